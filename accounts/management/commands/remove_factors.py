from typing import Any

from django.core.management.base import CommandError

from accounts.flows.administer import reset_factors
from accounts.management.context import command_context
from accounts.management.user_command import UserCommand, find_user


class Command(UserCommand):
    help = "Removes the second factors of a user who has lost them, ends their sessions, and tells them by mail."

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["name"])
        if not reset_factors(user=user, context=command_context("remove_factors")):
            raise CommandError(f"{user.username} has no second factor.")
        self.stdout.write(f"{user.username} logs in without a second factor, until another one is added.")
