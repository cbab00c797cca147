from collections.abc import Iterator

from django.db import transaction

from accounts.core import clock
from accounts.services import counts, demo, passwords

# A transaction each.
BATCH = 10_000
MOST = 2_000_000


def make_demo_data(*, users: int, password: str | None) -> Iterator[int]:
    """Makes so many accounts to look at, batch after batch, and answers after each how many there are by now.

    password: theirs; None makes accounts that nobody can log in to.
    Raises ValueError for less than 1 or more than MOST users.
    """
    if not 1 <= users <= MOST:
        raise ValueError(f"from 1 to {MOST} users can be made, not {users}")
    # One hash for all of them: a million would take a day.
    encoded = passwords.make_unusable() if password is None else passwords.make_hash(password)
    first = demo.next_number()
    for start in range(0, users, BATCH):
        numbers = range(first + start, first + min(start + BATCH, users))
        with transaction.atomic(durable=True):
            demo.write(numbers, password=encoded, now=clock.now())
        yield start + len(numbers)
    with transaction.atomic(durable=True):
        # Its events lie in hours that are counted for good.
        counts.start_over()
