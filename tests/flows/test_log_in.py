"""Logging in: the session and the event, and what is refused and how that is recorded."""

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.log_in import log_in
from accounts.models import SecurityEvent, Session, User
from accounts.models.session import SessionKind
from accounts.services import sessions
from tests.clients.authapi import PASSWORD
from tests.flows.context import ADDRESS, client, event, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("names", [("ALICE",), ("Alice@example.org",), ("alice", ADDRESS)])
def test_a_session_begins(names: tuple[str, ...]) -> None:
    user = signed_up()
    answer = log_in(names=names, password=PASSWORD, context=client())
    session = Session.objects.get()
    assert (answer.user.pk, answer.session.pk) == (user.pk, session.pk)
    assert sessions.authenticate(answer.tokens.access).pk == session.pk
    assert sessions.find(answer.tokens.refresh).pk == session.pk
    assert (session.user_id, session.ip, session.user_agent) == (user.pk, "203.0.113.7", "Test/1")
    assert (session.dialect, session.kind, session.ended_at) == ("authapi", "api", None)
    assert (recorded(), mailed()) == ([event("logged_in", "user")], [])


@pytest.mark.parametrize(
    ("names", "password", "username"),
    [
        (("alice",), "wrong-horse-9", "alice"),
        (("nobody",), PASSWORD, None),
        (("alice", "nobody@example.org"), PASSWORD, None),
    ],
)
def test_wrong_credentials(names: tuple[str, ...], password: str, username: str | None) -> None:
    signed_up()
    assert refusal(log_in, names=names, password=password).code == ErrorCode.INVALID_CREDENTIALS
    assert (Session.objects.count(), mailed()) == (0, [])
    assert recorded() == [event("login_failed", username=username)]
    assert SecurityEvent.objects.get().detail == "invalid_credentials"


def test_the_admin_takes_staff_alone() -> None:
    signed_up()
    admin = {"names": ("alice",), "password": PASSWORD, "kind": SessionKind.ADMIN}
    assert refusal(log_in, **admin).code == ErrorCode.INVALID_CREDENTIALS
    assert (Session.objects.count(), recorded()) == (0, [event("login_failed")])
    User.objects.update(is_staff=True)
    log_in(names=("alice",), password=PASSWORD, kind=SessionKind.ADMIN, context=client())
    assert Session.objects.get().kind == "admin"
