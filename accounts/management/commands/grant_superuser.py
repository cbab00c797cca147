from typing import Any

from accounts.flows.administer import change_user
from accounts.management.context import command_context
from accounts.management.user_command import UserCommand, find_user


class Command(UserCommand):
    help = "Makes a user an active superuser who may use the admin; for an installation without one."

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["name"])
        context = command_context("grant_superuser")
        change_user(user=user, is_active=True, is_staff=True, is_superuser=True, context=context)
        self.stdout.write(f"{user.username} is an active superuser and may use the admin.")
