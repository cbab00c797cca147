"""Changing one's own address and password in one request."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.change_account import change_account
from accounts.flows.report_not_me import report_not_me
from accounts.flows.verify_email import verify_email
from accounts.models import Message, Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.flows.context import ADDRESS, client, event, forget, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db
NEW_ADDRESS = "alicia@example.org"


def test_both_at_once(immediate: None) -> None:
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


def test_with_a_taken_address_the_password_is_not_changed_either(rows: Any) -> None:
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


class TestConfirmed:
    """A new address counts after a confirmation from the new mailbox."""

    @pytest.fixture
    def session(self) -> Session:
        signed_up().emailaddress_set.update(verified=True)
        return logged_in().session

    def key(self) -> str:
        """The key that was mailed to the new address."""
        letter = Message.objects.filter(kind="email_change").latest("id")
        return re.findall(r"key=(\S+)", letter.text)[0]

    def ask(self, session: Session, email: str = NEW_ADDRESS) -> None:
        context = client().by_user(session.user_id)
        assert change_account(session=session, email=email, password=None, context=context).email == ADDRESS

    def test_nothing_changes_before(self, session: Session) -> None:
        before = User.objects.values().get()
        self.ask(session)
        assert User.objects.values().get() == before
        assert User.objects.with_address().get().email_verified
        assert recorded() == [event("email_change_requested", "user")]
        assert mailed() == [("email_change", NEW_ADDRESS), ("email_change_requested", ADDRESS)]
        letter = Message.objects.get(kind="email_change")
        # Its reader may not know the account, so it contains no username.
        assert "alice" not in letter.text + letter.html + letter.subject
        assert "/not-me?key=" in Message.objects.get(kind="email_change_requested").text

    def test_the_key_works_once(self, session: Session) -> None:
        self.ask(session)
        key = self.key()
        forget()
        assert verify_email(key=key, context=client()).email == NEW_ADDRESS
        user = User.objects.with_address().get()
        assert (user.email, user.email_verified) == (NEW_ADDRESS, True)
        assert EmailAddress.objects.values_list("email", "primary", "verified").get() == (NEW_ADDRESS, True, True)
        assert recorded() == [event("email_changed", "user"), event("email_verified", "user")]
        assert mailed() == [("email_changed", ADDRESS), ("email_changed", NEW_ADDRESS)]
        assert refusal(verify_email, key=key).code == ErrorCode.EMAIL_ALREADY_VERIFIED
        # The session goes on.
        assert not Session.objects.filter(ended_at__isnull=False).exists()

    def test_a_second_wish_replaces_the_first(self, session: Session) -> None:
        self.ask(session)
        key = self.key()
        self.ask(session, "alison@example.org")
        assert refusal(verify_email, key=key).code == ErrorCode.INVALID_VERIFICATION_KEY
        assert verify_email(key=self.key(), context=client()).email == "alison@example.org"

    def test_a_taken_address(self, session: Session, rows: Any) -> None:
        signed_up("bob")
        before = rows()
        refused = refusal(change_account, session=session, email="BOB@example.org", password=None)
        assert (refused.code, rows()) == (ErrorCode.EMAIL_TAKEN, before)

    def test_an_address_that_is_taken_meanwhile(self, session: Session, rows: Any) -> None:
        self.ask(session, "bob@example.org")
        key = self.key()
        signed_up("bob")
        before = rows()
        assert refusal(verify_email, key=key).code == ErrorCode.EMAIL_TAKEN
        assert (rows(), User.objects.get(username="alice").email) == (before, ADDRESS)

    def test_a_key_past_its_time(self, session: Session) -> None:
        self.ask(session)
        with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
            assert refusal(verify_email, key=self.key()).code == ErrorCode.INVALID_VERIFICATION_KEY

    def test_this_was_not_me(self, session: Session) -> None:
        self.ask(session)
        key = self.key()
        notice = re.findall(r"key=(\S+)", Message.objects.get(kind="email_change_requested").text)[0]
        report_not_me(key=notice, context=client())
        assert refusal(verify_email, key=key).code == ErrorCode.INVALID_VERIFICATION_KEY
        assert Session.objects.get().end_reason == "disowned"

    def test_one_who_confirms_ends_the_notices_mailed_before(self, session: Session) -> None:
        self.ask(session)
        notice = re.findall(r"key=(\S+)", Message.objects.get(kind="email_change_requested").text)[0]
        verify_email(key=self.key(), context=client())
        assert refusal(report_not_me, key=notice).code == ErrorCode.INVALID_NOTICE_KEY
        # The old address gets a notice with "this was not me".
        changed = re.findall(r"key=(\S+)", Message.objects.get(kind="email_changed", to=ADDRESS).text)[0]
        report_not_me(key=changed, context=client())
        assert User.objects.get().email == ADDRESS

    def test_a_refused_change_counts_no_mail(self, session: Session) -> None:
        signed_up("bob")
        for _ in range(6):
            refused = refusal(change_account, session=session, email="bob@example.org", password=None)
            assert refused.code == ErrorCode.EMAIL_TAKEN

    def test_mails_to_the_new_mailbox_are_limited(self, session: Session) -> None:
        for number in range(5):
            self.ask(session, "alicia@example.org" if number % 2 else "Alicia@example.org")
        refused = refusal(change_account, session=session, email=NEW_ADDRESS, password=None)
        assert refused.code == ErrorCode.RATE_LIMITED
