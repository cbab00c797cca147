"""An administrator helps a user. The acts are refused for superusers and other administrators."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.help_user import add_note, correct_email, unlock_user
from accounts.models import FormerAddress, Note, User
from tests.flows.context import client, mailed, recorded, signed_up

pytestmark = pytest.mark.django_db
ACTS: dict[str, Callable[..., Any]] = {
    "correct at once": partial(correct_email, email="right@example.org", is_confirmed=False),
    "correct once confirmed": partial(correct_email, email="right@example.org", is_confirmed=True),
    "unlock": unlock_user,
    "note": partial(add_note, text="x"),
}


def made(user: User, **roles: bool) -> User:
    for role, value in roles.items():
        setattr(user, role, value)
    user.store(*roles)
    return user


@pytest.mark.parametrize("name", ACTS)
def test_staff_do_nothing_to_a_superuser(name: str) -> None:
    staff, boss = made(signed_up("sam"), is_staff=True), made(signed_up("boss"), is_superuser=True)
    with pytest.raises(AccountError) as refusal:
        ACTS[name](user=boss, context=client().by_administrator(staff.pk))
    assert refusal.value.code is ErrorCode.SUPERUSER_PROTECTED
    assert (recorded(), mailed(), Note.objects.count()) == ([], [], 0)
    assert User.objects.get(pk=boss.pk).email == "boss@example.org"
    ACTS[name](user=boss, context=client().by_administrator(boss.pk))
    assert len(recorded()) == 1


@pytest.mark.parametrize(("name", "is_refused"), [*((name, name.startswith("correct")) for name in ACTS)])
def test_staff_do_not_give_another_administrator_another_mailbox(name: str, is_refused: bool) -> None:
    staff, other = made(signed_up("sam"), is_staff=True), made(signed_up("pat"), is_staff=True)
    context = client().by_administrator(staff.pk)
    if is_refused:
        with pytest.raises(AccountError) as refusal:
            ACTS[name](user=other, context=context)
        assert refusal.value.code is ErrorCode.SUPERUSER_PROTECTED
        assert (recorded(), mailed()) == ([], [])
    else:
        ACTS[name](user=other, context=context)
    assert User.objects.get(pk=other.pk).email == "pat@example.org"


def test_who_takes_an_address_back_has_had_the_other() -> None:
    user = signed_up()
    for email in ("right@example.org", "ALICE@example.org", "right@example.org"):
        correct_email(user=user, email=email, is_confirmed=False, context=client())
    left = FormerAddress.objects.order_by("id").values_list("email_key", flat=True)
    assert list(left) == ["alice@example.org", "right@example.org", "alice@example.org"]
