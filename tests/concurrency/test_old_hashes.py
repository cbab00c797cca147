"""Several clients log in at the same moment to an account that has a hash of another system."""

from functools import partial

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.log_in import log_in
from accounts.flows.reauthenticate import reauthenticate
from accounts.models import Session, User
from accounts.models.user import OWN_HASHES
from accounts.services import passwords
from tests.clients.authapi import PASSWORD
from tests.concurrency.race import race, rounds
from tests.flows.context import client, signed_up

pytestmark = pytest.mark.django_db(transaction=True)
OLD = PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", iterations=50_000)


def enter(password: str = PASSWORD) -> str:
    try:
        log_in(names=("alice",), password=password, context=client())
    except AccountError as refusal:
        return refusal.code
    return "in"


def test_all_of_them_get_in() -> None:
    signed_up()
    for number in range(rounds(20)):
        User.objects.update(password=OLD)
        assert race(*[enter] * 4) == ["in"] * 4
        assert User.objects.get().password.startswith(OWN_HASHES)
        assert Session.objects.count() == 4 * (number + 1)


def test_a_proof_beside_a_login() -> None:
    signed_up()
    enter()
    session = Session.objects.select_related("user").get()
    for _round in range(rounds(20)):
        User.objects.update(password=OLD)
        session.user.refresh_from_db()
        assert race(partial(reauthenticate, session=session, password=PASSWORD, context=client()), enter)[1] == "in"
        assert User.objects.get().password.startswith(OWN_HASHES)


def test_a_new_password_is_not_undone() -> None:
    signed_up()
    new = passwords.make_hash("other-horse-9")
    for _round in range(rounds(20)):
        User.objects.update(password=OLD)
        entered = race(enter, lambda: passwords.put(User.objects.get(), to=new))[0]
        assert entered in ("in", ErrorCode.INVALID_CREDENTIALS)
        assert User.objects.get().password == new
        assert enter() == ErrorCode.INVALID_CREDENTIALS
        assert enter("other-horse-9") == "in"
