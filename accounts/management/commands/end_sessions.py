from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.end_sessions import end_sessions
from accounts.management.context import command_context
from accounts.models import Session
from accounts.services import users


class Command(BaseCommand):
    help = "Ends the sessions of one user, or of everybody, at once."

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", metavar="NAME", help="a username or an e-mail address")
        whose.add_argument("--all", action="store_true", help="everybody's")

    def handle(self, *args: Any, **options: Any) -> None:
        these = Session.objects.all()
        if name := options["user"]:
            user = users.find(name)
            if user is None:
                raise CommandError(f"There is no user {name}.")
            these = these.filter(user=user)
        ended = end_sessions(these, context=command_context("end_sessions"))
        self.stdout.write(f"Ended {ended} session(s).")
