from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.administer import change_user
from accounts.management.context import command_context
from accounts.services import users


class Command(BaseCommand):
    help = "Makes a user an active superuser who may use the admin; for an installation where nobody is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a username or an e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        user = users.find(options["name"])
        if user is None:
            raise CommandError(f"There is no user {options['name']}.")
        context = command_context("grant_superuser")
        change_user(user=user, is_active=True, is_staff=True, is_superuser=True, context=context)
        self.stdout.write(f"{user.username} is an active superuser and may use the admin.")
