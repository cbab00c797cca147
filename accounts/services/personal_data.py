"""All stored data about a user: exported as a copy for them, and deleted with their account.

Each service knows its own tables. tests/services/test_personal_data.py fails for a table with a user's key that is
neither exported nor named as left out.
"""

from collections.abc import Callable, Iterable, Mapping

from accounts.models import User
from accounts.services import addresses, audit, factors, identities, outbox, saved_views, sessions, users

Rows = Iterable[Mapping[str, object]]

SECTIONS: dict[str, Callable[[User], Rows]] = {
    "profile": users.export,
    "addresses": addresses.export,
    "second_factors": factors.export,
    "providers": identities.export,
    "sessions": sessions.export,
    "security_events": audit.export,
    "mails": outbox.export,
    "notes": users.export_notes,
    "saved_views": saved_views.export,
}


def export(user: User) -> Iterable[tuple[str, Rows]]:
    """The name and the rows of each section. Rows are read while they are iterated over."""
    return ((name, rows_of(user)) for name, rows_of in SECTIONS.items())


def forget(user: User) -> None:
    """Deletes a user with all their rows. Only their events stay, without personal data."""
    audit.forget_person(user)
    outbox.forget(user)
    saved_views.forget(user)
    user.delete()
