from collections.abc import Iterator

from django.db import transaction

from accounts.core import clock
from accounts.services import counts, demo, passwords

# The number of users in one transaction.
BATCH = 10_000
MOST = 2_000_000


def make_demo_data(*, users: int, password: str | None) -> Iterator[int]:
    """Makes made-up accounts, batch after batch, and yields after each how many it has made.

    password: of all of them; None makes accounts that nobody can log in to. Raises ValueError for less than 1 or more
    than MOST users.
    """
    if not 1 <= users <= MOST:
        raise ValueError(f"from 1 to {MOST} users can be made, not {users}")
    # All users have one hash: a million hashes would take a day.
    encoded = passwords.make_unusable() if password is None else passwords.make_hash(password)
    first = demo.next_number()
    for start in range(0, users, BATCH):
        numbers = range(first + start, first + min(start + BATCH, users))
        with transaction.atomic(durable=True):
            demo.write(numbers, password=encoded, now=clock.now())
        yield start + len(numbers)
    with transaction.atomic(durable=True):
        # Its events are in hours that were counted already.
        counts.start_over()
