from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.flows.end_sessions import end_sessions
from accounts.management.context import command_context
from accounts.management.user_command import NAME_HELP, find_user


class Command(BaseCommand):
    help = "Ends the sessions of one user, or of everybody, at once."

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", metavar="NAME", help=NAME_HELP)
        whose.add_argument("--all", action="store_true", help="everybody's")

    def handle(self, *args: Any, **options: Any) -> None:
        user_ids = None
        if name := options["user"]:
            user_ids = [find_user(name).pk]
        ended = end_sessions(user_ids=user_ids, context=command_context("end_sessions"))
        self.stdout.write(f"Ended {ended} session(s).")
