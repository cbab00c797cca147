from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import users

NAME_HELP = "a username or an e-mail address"


def find_user(name: str) -> User:
    """The user of this username or address; raises CommandError if there is none."""
    user = users.find(name)
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user


class UserCommand(BaseCommand):
    """A command about one user, whose username or address is the argument `name`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help=NAME_HELP)
