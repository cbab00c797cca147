from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.administer import reset_factors
from accounts.management.context import command_context
from accounts.services import users


class Command(BaseCommand):
    help = "Removes the second factors of a user who has lost them, ends their sessions, and tells them by mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a username or an e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        user = users.find(options["name"])
        if user is None:
            raise CommandError(f"There is no user {options['name']}.")
        if not reset_factors(user=user, context=command_context("remove_factors")):
            raise CommandError(f"{user.username} has no second factor.")
        self.stdout.write(f"{user.username} logs in without a second factor, until another one is added.")
