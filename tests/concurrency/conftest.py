from typing import Any

import pytest


@pytest.fixture(autouse=True)
def cheap_hashes() -> None:
    """None here: a password has its real cost."""


@pytest.fixture(autouse=True)
def _many_times(settings: Any) -> None:
    """Raises limits, because races run many times from one address and to a few mailboxes."""
    is_raised = {name: name.endswith("_PER_IP") or name.startswith("MAILS_") for name in settings.LIMITS}
    settings.LIMITS = {name: 1000 if is_raised[name] else most for name, most in settings.LIMITS.items()}
