"""Changing one's own password."""

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.change_password import change_password
from accounts.models import SecurityEvent, Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.flows.context import ADDRESS, client, event, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def test_it_ends_every_other_session() -> None:
    user = signed_up()
    other, session = logged_in().session, logged_in().session
    change_password(
        session=session, old_password=PASSWORD, new_password=NEW_PASSWORD, context=client().by_user(user.pk)
    )
    assert User.objects.get().check_password(NEW_PASSWORD) is True
    assert list(Session.objects.filter(ended_at=None)) == [session]
    other.refresh_from_db()
    assert other.end_reason == "password_changed"
    assert recorded() == [event("session_ended", "user"), event("password_changed", "user")]
    assert list(SecurityEvent.objects.order_by("id").values_list("session_id", flat=True)) == [other.pk, session.pk]
    assert mailed() == [("password_changed", ADDRESS)]


def test_a_wrong_old_password_is_recorded_and_changes_nothing() -> None:
    signed_up()
    logged_in()
    session = logged_in().session
    refused = refusal(change_password, session=session, old_password="wrong-horse-9", new_password=NEW_PASSWORD)
    assert refused.code == ErrorCode.WRONG_PASSWORD
    assert User.objects.get().check_password(PASSWORD) is True
    assert Session.objects.filter(ended_at=None).count() == 2
    assert (recorded(), mailed()) == ([event("password_change_failed")], [])
    assert SecurityEvent.objects.get().session_id == session.pk


def test_a_new_password_that_cannot_be_had() -> None:
    signed_up()
    session = logged_in().session
    refused = refusal(change_password, session=session, old_password=PASSWORD, new_password="password1")
    assert (refused.code, refused.reasons) == (ErrorCode.PASSWORD_INVALID, ("This password is too common.",))
    assert User.objects.get().check_password(PASSWORD) is True
    assert (recorded(), mailed()) == ([], [])
