"""Times of tests."""

from typing import Any

import time_machine
from django.utils import timezone


def after(**delta: float) -> Any:
    """Lets the clock stand still at a later time, such as `after(minutes=5)`."""
    return time_machine.travel(timezone.now() + timezone.timedelta(**delta), tick=False)
