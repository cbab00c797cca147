""" "I did not register" in a verification mail (Sudhodanan and Paverd, USENIX Security 2022)."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.report_not_registered import report_not_registered
from accounts.flows.reset_password import reset_password
from accounts.flows.sign_up import sign_up
from accounts.flows.verify_email import verify_email
from accounts.models import Message, User
from accounts.services import links
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.flows.context import ADDRESS, client, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def registered() -> tuple[str, str]:
    """The keys of a verification mail: one to verify, one to say "I did not register"."""
    sign_up(username="mallory", email=ADDRESS, password=PASSWORD, context=client())
    letter = Message.objects.get(kind="verification")
    verify, decline = re.findall(r"key=(\S+)", letter.text)
    assert f"/not-registered?key={decline}" in letter.html
    # A stranger may have chosen the name.
    assert "mallory" not in letter.text + letter.html + letter.subject
    return verify, decline


def test_the_account_is_gone_and_the_address_free() -> None:
    _verify, decline = registered()
    report_not_registered(key=decline, context=client())
    assert (User.objects.count(), Message.objects.count()) == (0, 0)
    kinds = [(kind, name) for kind, _actor, name, _ip, _id in recorded()]
    assert kinds == [("registered", None), ("logged_in", None), ("not_registered", None)]
    signed_up()
    assert refusal(report_not_registered, key=decline).code == ErrorCode.INVALID_NOTICE_KEY
    assert User.objects.get().username == "alice"


def proved_by_verification(verify: str) -> None:
    verify_email(key=verify, context=client())


def proved_by_reset(verify: str) -> None:
    reset_password(token=links.reset_token(User.objects.get()), password=NEW_PASSWORD, context=client())


def staff(verify: str) -> None:
    User.objects.update(is_staff=True)


def superuser(verify: str) -> None:
    User.objects.update(is_superuser=True)


@pytest.mark.parametrize("change", [proved_by_verification, proved_by_reset, staff, superuser])
def test_not_an_account_that_something_else_proved(change: Any, rows: Any) -> None:
    verify, decline = registered()
    change(verify)
    before = rows()
    assert refusal(report_not_registered, key=decline).code == ErrorCode.INVALID_NOTICE_KEY
    assert rows() == before


def test_not_past_its_time_and_not_with_another_key(rows: Any) -> None:
    verify, decline = registered()
    before = rows()
    for key in ("", "x", decline[:-1], verify):
        assert refusal(report_not_registered, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    assert refusal(verify_email, key=decline).code == ErrorCode.INVALID_VERIFICATION_KEY
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
        assert refusal(report_not_registered, key=decline).code == ErrorCode.INVALID_NOTICE_KEY
    assert rows() == before


def test_the_page_acts_only_when_its_button_is_pressed() -> None:
    _verify, decline = registered()
    browser = Client()
    page = browser.get("/not-registered", {"key": decline})
    assert (page.status_code, User.objects.count()) == (200, 1)
    assert decline in page.content.decode()
    assert browser.post("/not-registered", {"key": decline}).status_code == 200
    assert User.objects.count() == 0
    assert browser.post("/not-registered", {"key": decline}).status_code == 400
