import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.core.errors import AccountError, AccountErrors
from accounts.flows.administer import add_user
from accounts.management.context import command_context


class Command(BaseCommand):
    help = "Makes an account that may do everything, in the admin and through the API; its address counts as verified."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", help="made from the address if it is left out")
        parser.add_argument("--email")
        parser.add_argument("--noinput", action="store_true", help="take the password from DJANGO_SUPERUSER_PASSWORD")

    def handle(self, *args: Any, **options: Any) -> None:
        asks = not options["noinput"]
        email = options["email"] or os.environ.get("DJANGO_SUPERUSER_EMAIL") or (input("E-mail: ") if asks else "")
        username = options["username"] or os.environ.get("DJANGO_SUPERUSER_USERNAME")
        username = username or (input("Username (empty: from the address): ") if asks else None) or None
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD") or (getpass.getpass() if asks else "")
        if asks and "DJANGO_SUPERUSER_PASSWORD" not in os.environ and password != getpass.getpass("Password again: "):
            raise CommandError("The two passwords are not the same.")
        try:
            user = add_user(
                username=username,
                email=email,
                password=password,
                is_superuser=True,
                verified=True,
                context=command_context("createsuperuser"),
            )
        except AccountError as error:
            refusals = error.errors if isinstance(error, AccountErrors) else (error,)
            raise CommandError("\n".join(" ".join([each.code, *each.reasons]) for each in refusals)) from None
        self.stdout.write(f"Made the superuser {user.username} <{user.email}>.")
