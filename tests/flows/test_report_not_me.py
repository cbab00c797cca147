"""Saying "this was not me" by the key of a security notice."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.report_not_me import report_not_me
from accounts.models import Session, User
from accounts.services import links
from tests.clients.authapi import PASSWORD
from tests.flows.context import ADDRESS, client, event, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def test_it_ends_sessions_and_password_and_mails_a_reset() -> None:
    user = signed_up()
    logged_in()
    report_not_me(key=links.notice_key(user, ADDRESS), context=client())
    user = User.objects.with_address().get()
    assert (user.has_usable_password(), user.email_verified) == (False, True)
    assert Session.objects.get().end_reason == "disowned"
    assert recorded() == [event("session_ended", "user"), event("disowned", "user")]
    assert mailed() == [("password_reset", ADDRESS)]


def test_the_account_gets_the_address_of_the_notice_back() -> None:
    user = signed_up()
    report_not_me(key=links.notice_key(user, "first@example.org"), context=client())
    user = User.objects.with_address().get()
    assert (user.email, user.email_verified) == ("first@example.org", True)
    assert recorded() == [event("disowned", "user")]
    assert mailed() == [("password_reset", "first@example.org")]


def test_an_address_that_another_account_has_by_now_gets_no_reset() -> None:
    user = signed_up()
    signed_up("bob")
    report_not_me(key=links.notice_key(user, "bob@example.org"), context=client())
    user = User.objects.get(username="alice")
    assert (user.email, user.has_usable_password()) == (ADDRESS, False)
    assert (recorded(), mailed()) == ([event("disowned", "user")], [])


def test_keys_that_are_wrong_used_or_three_days_old(rows: Any) -> None:
    user, bob = signed_up(), signed_up("bob")
    logged_in()
    key, used = links.notice_key(user, ADDRESS), links.notice_key(bob, bob.email)
    report_not_me(key=used, context=client())
    before = rows()
    for wrong in (key + "x", used):
        assert refusal(report_not_me, key=wrong).code == ErrorCode.INVALID_NOTICE_KEY
    with time_machine.travel(clock.now() + timedelta(days=3, seconds=2), tick=False):
        assert refusal(report_not_me, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    assert (rows(), Session.objects.get().ended_at) == (before, None)
    assert User.objects.get(username="alice").check_password(PASSWORD) is True
