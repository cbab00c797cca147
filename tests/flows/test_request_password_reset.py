"""Asking for a reset mail: the same rows whether an account has the address or not."""

import pytest

from accounts.flows.request_password_reset import request_password_reset
from accounts.models import User
from accounts.services import links
from tests.flows.context import ADDRESS, client, event, mailed, recorded, signed_up
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


def test_the_mailed_token_is_good(letters: Mailbox) -> None:
    user = signed_up()
    request_password_reset(email="Alice@EXAMPLE.org", context=client())
    assert mailed() == [("password_reset", ADDRESS)]
    assert recorded() == [event("password_reset_requested")]
    values = link_values(letters.only())
    assert values["uid"] == links.reset_uid(user)
    assert links.reset_token_is_good(user, values["token"]) is True


def test_an_address_that_nobody_has() -> None:
    request_password_reset(email="nobody@example.org", context=client())
    assert mailed() == [("password_reset", "")]
    assert recorded() == [event("password_reset_requested", username=None)]


def test_an_account_that_is_not_active() -> None:
    signed_up()
    User.objects.update(is_active=False)
    request_password_reset(email=ADDRESS, context=client())
    assert mailed() == [("password_reset", "")]
    assert recorded() == [event("password_reset_requested", username=None)]
