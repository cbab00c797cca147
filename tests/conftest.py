import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.test import Client
from django.utils import translation
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.models import Message, User
from accounts.ops import refusals
from accounts.services import hash_times, keys, pauses
from accounts.services.passwords import Argon2idHasher
from tests import administrators, mailbox
from tests.clients.authapi import AuthApi

if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Django would test in memory, where threads share one lock without waiting for it. Real installations use a file.
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = settings.DATABASES["default"]["NAME"] + ".test"


def _travel_with_the_clock(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Makes PostgreSQL's clock follow a test that changes the worker's clock."""
    if time_machine.escape_hatch.is_travelling():
        now = f"'{datetime.now(UTC).isoformat()}'::timestamptz"
        sql = re.sub(r"statement_timestamp\(\)", now, sql, flags=re.IGNORECASE)
    return execute(sql, params, many, context)


@receiver(connection_created)
def _let_the_database_travel(connection: Any, **_: Any) -> None:
    # A reconnected connection keeps its wrappers. A test removes the last one as its own, so this one is the first.
    if _travel_with_the_clock not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _travel_with_the_clock)


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_read_once() -> None:
    """Each test client loads the middleware again; WhiteNoise would look at every file of the admin each time."""
    read, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def take(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            read(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = take


@pytest.fixture(autouse=True)
def _fresh_worker() -> Iterator[None]:
    """Each test starts with what a worker that was just started knows: no signing keys, an empty cache, no language."""
    translation.deactivate()
    keys.forget()
    hash_times.forget()
    cache.clear()
    yield
    keys.forget()
    hash_times.forget()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer comes at once; test_pauses.py, test_hash_times.py and test_refusals.py are about their time."""
    monkeypatch.setattr(pauses, "EVEN_SECONDS", 0)
    monkeypatch.setattr(hash_times, "LONGEST_JITTER", 0)
    monkeypatch.setattr(refusals, "HELD_SECONDS", 0)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is hashed in less than a millisecond. Journeys, races and tests of the hash pay its real cost."""
    monkeypatch.setattr(Argon2idHasher, "memory_cost", 64)
    monkeypatch.setattr(Argon2idHasher, "time_cost", 1)
    monkeypatch.setattr(hash_times, "OWN_HASHES", "argon2$argon2id$v=19$m=64,t=1,p=1$")


@pytest.fixture
def api() -> AuthApi:
    return AuthApi()


@pytest.fixture
def alice(db: Any, api: AuthApi) -> dict[str, Any]:
    """A registered user: the answer of registration, with `access`, `refresh` and `user`."""
    return api.register("alice").json()


@pytest.fixture
def verified_alice(alice: dict[str, Any], api: AuthApi, letters: mailbox.Mailbox) -> dict[str, Any]:
    """alice, who has verified the address; nothing is left in the outbox."""
    assert api.verify_email(**mailbox.link_values(letters.only())).status_code == 200
    return alice


@pytest.fixture
def root(db: Any) -> User:
    """A superuser."""
    return administrators.add_root()


@pytest.fixture
def admin(root: User) -> Client:
    """A browser in which root is logged in to the admin."""
    return administrators.log_in_to_admin("root")


@pytest.fixture
def staff(db: Any) -> User:
    """sam, who may use the admin and has no permission yet."""
    return administrators.add_staff()


@pytest.fixture
def rows(db: Any) -> Callable[[], dict[str, int]]:
    """Counts the rows of every table of the product, to compare before and after a refusal."""
    from allauth.account.models import EmailAddress

    from accounts.models import SecurityEvent, Session, SigningKey

    tables = (User, EmailAddress, Session, SecurityEvent, Message, SigningKey)
    return lambda: {table.__name__: table._default_manager.count() for table in tables}


@pytest.fixture
def immediate(settings: Any) -> None:
    """A new address counts at once, as in the FastAPI Users package."""
    settings.EMAIL_CHANGE = "immediate"


@pytest.fixture
def letters(db: Any) -> mailbox.Mailbox:
    """The mails: it sends due ones to a list, like the worker."""
    return mailbox.Mailbox()
