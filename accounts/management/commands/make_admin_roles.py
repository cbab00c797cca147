from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.flows.administer_groups import make_roles
from accounts.management.context import command_context


class Command(BaseCommand):
    help = "Makes the groups support, security and admin. Existing groups stay as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reset", action="store_true", help="also gives existing groups their original permissions"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = make_roles(is_reset=options["reset"], context=command_context("make_admin_roles"))
        self.stdout.write(f"Made or reset: {', '.join(made)}." if made else "All roles are there.")
