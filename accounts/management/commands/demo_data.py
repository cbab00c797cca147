import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.flows.make_demo_data import MOST, make_demo_data
from accounts.models import User


class Command(BaseCommand):
    help = (
        "Makes made-up users (demo0000001@example.com and so on). Each has sessions, about five events of the last 30"
        " days and some mail that is never sent. Nobody can log in as them, unless --password sets one password for all"
        " of them. It is for an empty database: if there are users already, it needs --yes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=1000, metavar="N", help=f"how many: 1,000, or 1 to {MOST:,}")
        parser.add_argument(
            "--password", help="the password of all of them; whoever knows it can log in as any of them"
        )
        parser.add_argument("--yes", action="store_true", help="also if there are users already")

    def handle(self, *args: Any, **options: Any) -> None:
        users = options["users"]
        if not 1 <= users <= MOST:
            raise CommandError(f"--users: a number from 1 to {MOST:,} is expected, not {users:,}.")
        if not options["yes"] and User.objects.exists():
            raise CommandError(
                "There are users in this database. Made-up users would be mixed with them, and no command removes them"
                " again: say --yes if you want that."
            )
        began = time.monotonic()
        for made in make_demo_data(users=users, password=options["password"]):
            seconds = time.monotonic() - began
            self.stdout.write(f"\r{made:,} of {users:,} users in {seconds:.0f} s", ending="")
            self.stdout.flush()
        how = "have the password that you gave" if options["password"] else "have no password: nobody can log in as one"
        self.stdout.write(f"\nThey are called demo0000001 and so on, and {how}.")
