import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.import_users import import_users
from accounts.management.context import command_context
from accounts.management.progress import Progress
from accounts.services.moving import databases, formats, sealing
from accounts.services.moving.checking import OnConflict, Wishes
from accounts.services.moving.formats import Accounts, Options
from accounts.services.moving.providers import Names
from accounts.services.moving.texts import Source

# How much lower the priority of this command is (see nice(2)). It is below that of hashing in a server on the same
# machine, whose niceness is 10: whoever logs in goes first.
NICENESS = 15


class Command(BaseCommand):
    help = (
        "Moves users in from another system, with their passwords; see docs/migrating.md. A second run goes on where"
        " the first one was interrupted. Users who cannot be moved in are listed with their line and the reason, and"
        " the exit code is 1. Usernames that look like others are listed as well, and moved in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="FILE|-|DATABASE_URL", help="- reads the standard input")
        parser.add_argument("--format", required=True, choices=formats.FORMATS)
        parser.add_argument(
            "--table", default="", help=f"of a database ({', '.join(formats.IN_DATABASES)}): the table of the users"
        )
        parser.add_argument(
            "--provider",
            action="append",
            default=[],
            metavar="THERE=HERE",
            help="a provider's name in the source and its id in SOCIAL_PROVIDERS; names such as google.com are known",
        )
        parser.add_argument("--dry-run", action="store_true", help="only says which users would be moved in")
        parser.add_argument(
            "--on-conflict",
            choices=[each.value for each in OnConflict],
            default=OnConflict.FAIL.value,
            help=(
                "what to do if another account has the name, the address or the id: fail stops before it, skip goes on"
                " without it. update goes on too, and updates accounts that were moved in earlier, unless somebody has"
                " logged in to them here"
            ),
        )
        parser.add_argument(
            "--rename", action="store_true", help="gives another username if one is taken or not allowed"
        )
        parser.add_argument(
            "--unknown-hash",
            choices=["refuse", "drop"],
            default="refuse",
            help="drop moves a user whose hash is not accepted without a password",
        )
        parser.add_argument(
            "--send-reset",
            action="store_true",
            help="mails a link to choose a password to each user without one; otherwise no mail is sent",
        )
        parser.add_argument(
            "--factors-key", metavar="FILE", help="for jsonl: the private key (PEM) that decrypts second factors"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        os.nice(NICENESS)
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        on_conflict = OnConflict(options["on_conflict"])
        wishes = Wishes(
            on_conflict=on_conflict,
            may_rename=options["rename"],
            drops_unknown_hashes=options["unknown_hash"] == "drop",
        )
        is_dry = options["dry_run"]
        counts: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        alike = 0
        progress = Progress(self.stderr)
        with _telling(), _reading(options) as (records, share):
            for part in import_users(
                records=records,
                wishes=wishes,
                source=options["format"],
                is_dry=is_dry,
                sends_reset=options["send_reset"],
                context=command_context("import_users"),
            ):
                progress.step_aside()
                for told in (*part.conflicts, *part.refused, *part.alike):
                    self.stderr.write(f"{told.where}: {told.reason}")
                counts += Counter(added=part.added, updated=part.updated, present=part.present)
                counts += Counter(conflicts=len(part.conflicts), refused=len(part.refused))
                left_out += part.left_out
                alike += len(part.alike)
                progress.show(counts.total(), share())
                if part.stopped:
                    raise CommandError(
                        f"Stopped before these: {counts['added']:,} were moved in, and none of their batch. Mend the"
                        " source and run it again, or say --on-conflict skip."
                    )
        progress.step_aside()
        self._sum_up(counts, left_out, progress.seconds, is_dry=is_dry)
        if alike:
            self.stdout.write(f"{alike:,} of them have a username that looks like another one: see above.")
        if counts["refused"] or (counts["conflicts"] and on_conflict is not OnConflict.SKIP):
            raise CommandError("Not all can be taken: see above." if is_dry else "Not all were taken: see above.")

    def _sum_up(self, counts: Counter[str], left_out: Counter[str], seconds: float, *, is_dry: bool) -> None:
        would = "would be" if is_dry else "were"
        self.stdout.write(f"{counts['added']:,} users {would} moved in, in {seconds:.0f} s.")
        for name, said in (
            ("updated", f"{would} brought up to date"),
            ("present", "are there already"),
            ("conflicts", "have a name, an address or an id that another one has"),
            ("refused", "cannot be taken"),
        ):
            if counts[name]:
                self.stdout.write(f"{counts[name]:,} {said}.")
        for what, number in sorted(left_out.items()):
            self.stdout.write(f"Left out {number:,} times: {what}.")


@contextmanager
def _reading(options: dict[str, Any]) -> Iterator[tuple[Accounts, Callable[[], float | None]]]:
    """The accounts of the source, and a function that returns which share of it was read."""
    names = dict(each.partition("=")[::2] for each in options["provider"])
    reading = Options(factors_key=_key(options["factors_key"]), names=Names(names), table=options["table"])
    name = options["source"]
    if databases.is_url(name):
        if options["format"] not in formats.IN_DATABASES:
            raise CommandError(f"Only databases of {', '.join(formats.IN_DATABASES)} are read.")
        with databases.reading(name) as database:
            yield formats.read_database(database, options["format"], reading), lambda: None
        return
    if name == "-":
        yield formats.read_file(Source(sys.stdin.buffer), options["format"], reading), lambda: None
        return
    if not Path(name).exists() or Path(name).is_dir():
        raise CommandError(f"There is no file {name}.")
    with Path(name).open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        source = Source(stream)
        yield formats.read_file(source, options["format"], reading), lambda: source.taken / size if size else None


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except databases.UnreachableError as error:
        raise CommandError(f"The database cannot be read: {error}.") from None


def _key(name: str | None) -> sealing.PrivateKey | None:
    if name is None:
        return None
    try:
        return sealing.private_key(Path(name).read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"--factors-key: {error}") from None
