from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.rotate_signing_keys import retire_signing_key, rotate_signing_keys
from accounts.management.context import command_context
from accounts.services.keys import WORKER_CACHE


class Command(BaseCommand):
    help = "Publishes the next signing key, which signs after a while; nobody is logged out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retire",
            metavar="KID",
            help="in an emergency: refuse all tokens of this key at once, and sign with a new one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        context = command_context("rotate_signing_keys")
        if kid := options["retire"]:
            if not retire_signing_key(kid=kid, context=context):
                raise CommandError(f"There is no signing key {kid} that could be retired.")
            seconds = int(WORKER_CACHE.total_seconds())
            self.stdout.write(f"Retired {kid}. Every worker refuses its tokens within {seconds} seconds.")
            return
        key = rotate_signing_keys(context=context)
        if key is None:
            raise CommandError("Another rotation ran at the same moment; nothing was done.")
        self.stdout.write(f"Published {key.kid}. It signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC.")
