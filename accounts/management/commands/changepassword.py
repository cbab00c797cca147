import getpass
import os
from typing import Any

from django.core.management.base import CommandError

from accounts.core.errors import AccountError
from accounts.flows.administer import change_user
from accounts.management.context import command_context
from accounts.management.user_command import UserCommand, find_user


class Command(UserCommand):
    help = (
        "Sets a user's password, and ends their sessions. It asks for the password unless DJANGO_NEW_PASSWORD is set."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["name"])
        password = os.environ.get("DJANGO_NEW_PASSWORD") or ""
        if not password:
            password = getpass.getpass("New password: ")
            if password != getpass.getpass("New password again: "):
                raise CommandError("The two passwords are not the same.")
        try:
            change_user(user=user, password=password, context=command_context("changepassword"))
        except AccountError as error:
            raise CommandError(" ".join([error.code, *error.reasons])) from None
        self.stdout.write(f"Set the password of {user.username}, and ended their sessions.")
