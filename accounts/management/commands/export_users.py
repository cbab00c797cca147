import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.export_users import export_users
from accounts.management.context import command_context
from accounts.management.progress import Progress
from accounts.management.user_command import find_user
from accounts.models import User
from accounts.services.moving import sealing


class Command(BaseCommand):
    help = (
        "Writes all data of accounts as JSON Lines, one user in each line. `import_users --format jsonl` reads it."
        " It contains password hashes: protect it like the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="a username or an address; all users without one")
        parser.add_argument("--out", metavar="FILE", help="a new file; the standard output by default")
        parser.add_argument(
            "--factors-key",
            metavar="FILE",
            help=(
                "a public key (PEM; X25519, or RSA of 2048 bits) to which authenticator apps and recovery codes are"
                " encrypted; without it they are left out"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sealer = _sealer(options["factors_key"])
        ids = [find_user(name).pk for name in options["names"]] or None
        total = len(ids) if ids else User.objects.count()
        progress = Progress(self.stderr)
        done = left_out = 0
        with _writing(options["out"]) as out:
            for chunk in export_users(user_ids=ids, sealer=sealer, context=command_context("export_users")):
                out.write(b"".join(orjson.dumps(user) + b"\n" for user in chunk))
                done += len(chunk)
                left_out += sum(user["has_more_factors"] and not user["factors"] for user in chunk)
                progress.show(done, done / total if total else None)
        progress.step_aside()
        self.stderr.write(f"{done:,} users in {progress.seconds:.0f} s.")
        if left_out:
            self.stderr.write(
                f"{left_out:,} of them have an authenticator app or recovery codes, which were left out: elsewhere they"
                " log in without. --factors-key takes them along."
            )


def _sealer(name: str | None) -> sealing.Sealer | None:
    if name is None:
        return None
    try:
        return sealing.Sealer(sealing.public_key(Path(name).read_bytes()))
    except (OSError, ValueError) as error:
        raise CommandError(f"--factors-key: {error}") from None


@contextmanager
def _writing(name: str | None) -> Iterator[BinaryIO]:
    """Opens a file that only its owner can read, or the output."""
    if name is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from None
    with os.fdopen(descriptor, "wb") as out:
        yield out
