"""Changing one's own address and password in one request."""

from typing import Any

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.change_account import change_account
from accounts.models import Session, User
from tests.clients.authapi import PASSWORD
from tests.flows.context import (
    ADDRESS,
    NEW_PASSWORD,
    client,
    event,
    logged_in,
    mailed,
    recorded,
    refusal,
    signed_up,
)

pytestmark = pytest.mark.django_db
NEW_ADDRESS = "alicia@example.org"


def test_both_at_once() -> None:
    user = signed_up()
    user.emailaddress_set.update(verified=True)
    logged_in()
    session = logged_in().session
    answer = change_account(
        session=session, email="alicia@EXAMPLE.org", password=NEW_PASSWORD, context=client().by_user(user.pk)
    )
    user = User.objects.with_address().get()
    assert (answer.pk, answer.email) == (user.pk, NEW_ADDRESS)
    assert (user.email, user.email_verified, user.check_password(NEW_PASSWORD)) == (NEW_ADDRESS, False, True)
    assert list(Session.objects.filter(ended_at=None)) == [session]
    assert recorded() == [event(kind, "user") for kind in ("session_ended", "password_changed", "email_changed")]
    assert mailed() == [
        ("password_changed", ADDRESS),
        ("email_changed", ADDRESS),
        ("email_changed", NEW_ADDRESS),
        ("verification", NEW_ADDRESS),
    ]


def test_nothing_new_is_nothing_done(rows: Any) -> None:
    signed_up()
    session = logged_in().session
    before = rows()
    assert change_account(session=session, email=ADDRESS, password=None, context=client()).email == ADDRESS
    assert rows() == before


def test_a_taken_address_takes_the_password_back(rows: Any) -> None:
    signed_up("bob")
    signed_up()
    logged_in()
    session = logged_in().session
    before = rows()
    refused = refusal(change_account, session=session, email="Bob@example.org", password=NEW_PASSWORD)
    assert refused.code == ErrorCode.EMAIL_TAKEN
    user = User.objects.get(username="alice")
    assert (user.email, user.check_password(PASSWORD)) == (ADDRESS, True)
    assert (rows(), Session.objects.filter(ended_at=None).count()) == (before, 2)


def test_a_password_that_somebody_else_changed_meanwhile(rows: Any) -> None:
    signed_up()
    session = logged_in().session
    assert session.user.check_password(PASSWORD)
    User.objects.update(password="x")
    before = rows()
    refused = refusal(change_account, session=session, email=None, password=NEW_PASSWORD)
    assert refused.code == ErrorCode.TOKEN_NOT_VALID
    assert (rows(), User.objects.get().password) == (before, "x")
