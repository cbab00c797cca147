"""The commands that move users in and out, as a test calls them."""

import sys
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

from django.core.management import CommandError, call_command


class Run:
    """One run of import_users. out and told: what it wrote to the output and to the errors. code: its exit code."""

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
        self.out, self.told = out.getvalue().splitlines(), errors.getvalue().splitlines()


def move_out(path: Any, *options: str) -> str:
    """Writes the users to this file, and answers what the command told beside."""
    errors = StringIO()
    call_command("export_users", *options, "--out", str(path), stderr=errors)
    return errors.getvalue()
