"""Asking for another verification mail: the same rows whether somebody waits for it or not."""

import pytest

from accounts.flows.resend_verification import resend_verification
from accounts.flows.verify_email import verify_email
from accounts.models import Message, User
from tests.flows.context import ADDRESS, client, event, mailed, recorded, signed_up
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


def test_the_mailed_key_verifies_the_address(letters: Mailbox) -> None:
    signed_up()
    resend_verification(email="Alice@EXAMPLE.org", context=client())
    assert mailed() == [("verification", ADDRESS)]
    assert recorded() == [event("verification_requested")]
    verify_email(**link_values(letters.only()), context=client())
    assert User.objects.with_address().get().email_verified is True


def test_an_address_that_nobody_has() -> None:
    resend_verification(email="nobody@example.org", context=client())
    assert mailed() == [("verification", "")]
    assert recorded() == [event("verification_requested", username=None)]


def test_nobody_else_gets_a_key() -> None:
    user = signed_up()
    User.objects.update(is_active=False)
    resend_verification(email=ADDRESS, context=client())
    User.objects.update(is_active=True)
    user.emailaddress_set.update(verified=True)
    resend_verification(email=ADDRESS, context=client())
    assert mailed() == [("verification", "")] * 2
    assert recorded() == [event("verification_requested", username=None)] * 2


def test_the_mail_is_in_the_language_of_the_request() -> None:
    signed_up()
    resend_verification(email=ADDRESS, context=client(language="uk"))
    assert Message.objects.get().language == "uk"
