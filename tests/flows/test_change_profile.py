"""Changing one's own name and picture."""

from typing import Any

import pytest

from accounts.core.errors import AccountErrors, ErrorCode
from accounts.flows.change_profile import change_profile
from accounts.models import SecurityEvent, User
from tests.flows.context import client, event, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db
PICTURE = "https://example.org/a.png"


def profile() -> tuple[str, str, str]:
    user = User.objects.get(email_key="alice@example.org")
    return user.username, user.username_key, user.avatar_url


def test_what_is_given_is_set_and_nothing_else() -> None:
    user = signed_up()
    session, context = logged_in().session, client().by_user(user.pk)
    change_profile(session=session, username="Alicia", avatar_url=None, context=context)
    assert profile() == ("Alicia", "alicia", "")
    change_profile(session=session, username=None, avatar_url=PICTURE, context=context)
    assert profile() == ("Alicia", "alicia", PICTURE)
    assert (recorded(), mailed()) == ([event("profile_changed", "user", "Alicia")] * 2, [])
    assert set(SecurityEvent.objects.values_list("session_id", flat=True)) == {session.pk}


def test_nothing_given_is_nothing_done(rows: Any) -> None:
    signed_up()
    session = logged_in().session
    before = rows()
    change_profile(session=session, username=None, avatar_url=None, context=client())
    assert (rows(), profile()) == (before, ("alice", "alice", ""))


def test_what_is_refused(rows: Any) -> None:
    signed_up("bob")
    signed_up()
    session = logged_in().session
    before = rows()
    assert refusal(change_profile, session=session, username="BOB", avatar_url=None).code == ErrorCode.USERNAME_TAKEN
    refused = refusal(change_profile, session=session, username="a@b", avatar_url="http://example.org/a.png")
    assert isinstance(refused, AccountErrors)
    assert [error.code for error in refused.errors] == [ErrorCode.USERNAME_INVALID, ErrorCode.AVATAR_URL_INVALID]
    assert (rows(), profile()) == (before, ("alice", "alice", ""))
