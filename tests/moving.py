"""The commands that move users in and out, as a test calls them, and files for them."""

import json
import re
import sys
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.clients.authapi import PASSWORD

HASH = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=10)


def csv(*rows: str, header: str = "id,username,email,password") -> bytes:
    """A file of CSV with these rows."""
    return "\n".join([header, *rows, ""]).encode()


def jsonl(*users: dict[str, Any]) -> bytes:
    """A file of JSON Lines with these users."""
    return b"".join(json.dumps(user).encode() + b"\n" for user in users)


def names() -> list[str]:
    """The usernames of all users, sorted."""
    return sorted(User.objects.values_list("username", flat=True))


def in_no_time(said: str) -> str:
    """What a command said, with 0 in the place of the seconds that it took."""
    return re.sub(r"in \d+ s\.", "in 0 s.", said)


class Run:
    """One run of import_users. out and told: what it wrote to the output and to the errors. code: its exit code.

    The output says that it took 0 seconds.
    """

    def __init__(self, source: Any, format: str, *options: str, given: bytes = b"") -> None:
        out, errors = StringIO(), StringIO()
        self.code = 0
        kept = sys.stdin
        sys.stdin = TextIOWrapper(BytesIO(given))
        try:
            call_command("import_users", str(source), "--format", format, *options, stdout=out, stderr=errors)
        except CommandError as error:
            self.code = error.returncode
            errors.write(f"{error}\n")
        finally:
            sys.stdin = kept
        self.out, self.told = in_no_time(out.getvalue()).splitlines(), errors.getvalue().splitlines()


def move_out(path: Any, *options: str) -> str:
    """Writes the users to this file, and returns the command's error output, which says that it took 0 seconds."""
    errors = StringIO()
    call_command("export_users", *options, "--out", str(path), stderr=errors)
    return in_no_time(errors.getvalue())
