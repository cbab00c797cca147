import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.change_email import request_email_change
from accounts.flows.verify_email import verify_email
from accounts.models import Message, Session, User
from tests.flows.context import ADDRESS, client, event, forget, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db(transaction=True)
NEW_ADDRESS = "alicia@example.org"


@pytest.fixture
def session() -> Session:
    signed_up().emailaddress_set.update(verified=True)
    return logged_in().session


def test_the_key_changes_the_address(session: Session) -> None:
    before = User.objects.values().get()
    request_email_change(session=session, email=NEW_ADDRESS, context=client().by_user(session.user_id))
    assert User.objects.values().get() == before
    assert recorded() == [event("email_change_requested", "user")]
    assert mailed() == [("email_change", NEW_ADDRESS), ("email_change_requested", ADDRESS)]
    assert "/not-me?key=" in Message.objects.get(kind="email_change_requested").text
    key = re.findall(r"key=(\S+)", Message.objects.get(kind="email_change").text)[0]
    assert verify_email(key=key, context=client()).email == NEW_ADDRESS
    assert User.objects.with_address().get().email_verified


@pytest.mark.usefixtures("immediate")
def test_it_waits_for_the_key_where_other_doors_change_at_once(session: Session) -> None:
    request_email_change(session=session, email=NEW_ADDRESS, context=client().by_user(session.user_id))
    assert User.objects.get().email == ADDRESS


@pytest.mark.parametrize("taken", ["bob@example.org", "BOB@example.org", ADDRESS])
def test_a_taken_address(session: Session, taken: str, rows: Any) -> None:
    signed_up("bob")
    before = rows()
    assert refusal(request_email_change, session=session, email=taken).code == ErrorCode.EMAIL_TAKEN
    assert rows() == before


def test_a_taken_address_is_not_told_where_verification_is_mandatory(session: Session, settings: Any) -> None:
    signed_up("bob")
    settings.EMAIL_VERIFICATION = "mandatory"
    request_email_change(session=session, email="bob@example.org", context=client())
    assert mailed() == [("registration_attempt", "bob@example.org")]
    forget()
    request_email_change(session=session, email=ADDRESS, context=client())
    assert mailed() == []


def test_it_asks_for_a_recent_proof(session: Session, rows: Any) -> None:
    session.auth_time -= timedelta(minutes=10, seconds=1)
    before = rows()
    code = refusal(request_email_change, session=session, email=NEW_ADDRESS).code
    assert (code, rows()) == (ErrorCode.REAUTHENTICATION_REQUIRED, before)


@pytest.mark.parametrize("email", ["", "x", "a" * 300 + "@example.org", "a@b@c"])
def test_no_address(session: Session, email: str, rows: Any) -> None:
    before = rows()
    assert refusal(request_email_change, session=session, email=email).code == ErrorCode.EMAIL_INVALID
    assert rows() == before
