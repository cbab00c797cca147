import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from accounts.services import doctor


class Command(BaseCommand):
    help = (
        "Looks at the running configuration as a client and as an attacker would, with real requests to PUBLIC_URL, to"
        " Redis and to the mail server, and says what is wrong; ends with 1 if anything is. One failed login of nobody"
        " is recorded."
    )
    # The system checks are one of the findings.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write the findings as JSON")
        parser.add_argument("--offline", action="store_true", help="leave out the probes that use the network")

    # The output is in English, for scripts and like the log.
    @translation.override("en")
    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in doctor.examine(network=not options["offline"]):
            findings.append(finding)
            if not options["json"]:
                self._say(finding)
        wrong = [finding for finding in findings if finding.problems]
        if options["json"]:
            told = [
                {"probe": finding.probe, "run": finding.was_run, "problems": finding.problems} for finding in findings
            ]
            self.stdout.write(json.dumps({"healthy": not wrong, "findings": told}, indent=2))
        if wrong:
            raise SystemExit(1)

    def _say(self, finding: doctor.Finding) -> None:
        if not finding.was_run:
            self.stdout.write(f"-     {finding.probe}: left out")
        elif not finding.problems:
            self.stdout.write(f"ok    {finding.probe}")
        for problem in finding.problems:
            self.stdout.write(f"WRONG {finding.probe}: {problem}")
