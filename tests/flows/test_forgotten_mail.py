"""A deleted account leaves no mail in the outbox, to any address."""

from collections.abc import Callable

import pytest
from django.core import mail

from accounts.flows.administer import add_user, change_user, delete_user
from accounts.flows.change_account import change_account
from accounts.flows.report_not_registered import report_not_registered
from accounts.flows.request_code import request_code
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.sign_up import sign_up
from accounts.flows.verify_email import verify_email
from accounts.models import Message, User
from accounts.services import links
from tests.clients.authapi import PASSWORD
from tests.flows.context import ADDRESS, client, logged_in, mailed, signed_up
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
NEW = "alice@example.net"


def deleted() -> list[tuple[str, str]]:
    """The rest of the outbox after alice is deleted."""
    delete_user(user=User.objects.with_address().get(username="alice"), context=client())
    return mailed()


def changed_by_an_administrator(letters: Mailbox) -> None:
    change_user(user=User.objects.with_address().get(), email=NEW, context=client())


def confirmed(letters: Mailbox) -> None:
    change_account(session=logged_in().session, email=NEW, password=None, context=client())
    letters.collect()
    (letter,) = (letter for letter in mail.outbox if letter.to == [NEW])
    verify_email(key=link_values(letter)["key"], context=client())


@pytest.mark.parametrize("change", [changed_by_an_administrator, confirmed])
def test_mail_to_a_former_address(change: Callable[[Mailbox], None], letters: Mailbox) -> None:
    signed_up()
    request_password_reset(email=ADDRESS, context=client())
    request_code(email="ALICE@example.org", context=client())
    letters.collect()
    change(letters)
    request_code(email=NEW, context=client())
    assert {to for _kind, to in mailed()} == {ADDRESS, NEW}
    assert User.objects.get().email == NEW
    assert deleted() == []


def test_mail_to_an_address_that_was_only_wished_for() -> None:
    signed_up()
    change_account(session=logged_in().session, email=NEW, password=None, context=client())
    assert mailed() == [("email_change", NEW), ("email_change_requested", ADDRESS)]
    assert deleted() == []


@pytest.mark.parametrize("typed", [ADDRESS, "Alice@example.org"])
@pytest.mark.parametrize("moves", [False, True])
def test_a_code_that_was_mailed_before_there_was_an_account(typed: str, moves: bool) -> None:
    request_code(email=typed, context=client())
    request_code(email="bob@example.org", context=client())
    add_user(username="alice", email=ADDRESS, password=PASSWORD, verified=True, context=client())
    assert Message.objects.filter(user=None).count() == 2
    if moves:
        change_user(user=User.objects.with_address().get(), email=NEW, context=client())
    assert deleted() == [("verification_code", "bob@example.org")]


def test_what_another_account_was_told_at_the_same_address_stays() -> None:
    """Otherwise a thief who changes the address of an account could remove its owner's only warning."""
    signed_up()
    change_user(user=User.objects.with_address().get(), email=NEW, context=client())
    told = mailed()
    assert ("email_changed", ADDRESS) in told
    sign_up(username="mallory", email=ADDRESS, password=PASSWORD, context=client())
    delete_user(user=User.objects.with_address().get(username="mallory"), context=client())
    assert mailed() == told
    sign_up(username="mallory", email=ADDRESS, password=PASSWORD, context=client())
    mallory = User.objects.with_address().get(username="mallory")
    report_not_registered(key=links.not_registered_key(mallory), context=client())
    assert mailed() == told
    assert deleted() == []
