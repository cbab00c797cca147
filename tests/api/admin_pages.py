"""The page of a user in the admin, as a test reads it and presses its buttons."""

import re
from typing import Any

from django.test import Client

from accounts.core import clock
from accounts.models import Message, Note, Passkey, RecoveryCode, SecurityEvent, Session, TotpFactor, User
from accounts.services import factors
from tests.administrators import add_staff, with_permissions


def page_of(admin: Client, user: Any) -> str:
    answer = admin.get(f"/admin/accounts/user/{user.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def act(admin: Client, name: str, user: Any, **values: str) -> Any:
    """Presses the button on the page that asks."""
    url = f"/admin/accounts/user/{user.pk}/act/{name}/"
    assert admin.get(url).status_code == 200
    return admin.post(url, values, follow=True)


def said(answer: Any) -> list[tuple[str, str]]:
    """Level and text of the first message on the page."""
    _before, _list, shown = answer.content.decode().partition('class="messagelist"')
    return re.findall(r'<li class="(\w+)">([^<]*)</li>', shown)[:1]


def recorded() -> list[tuple[str, str | None, str | None]]:
    """What administrators did beside logging in: kind, to whom, by whom."""
    events = SecurityEvent.objects.filter(actor_kind="administrator").order_by("id")
    return list(events.values_list("kind", "user__username", "actor__username"))


def give_factors(user: User) -> None:
    now = clock.now()
    TotpFactor.objects.create(user=user, secret="x", created_at=now, last_step=0, last_used_at=now)
    RecoveryCode.objects.create(user=user, code_hash="x", created_at=now)
    rest = {"credential_hash": "x", "credential": b"x", "sign_count": 0, "is_backed_up": False}
    Passkey.objects.create(user=user, name="Blue key", created_at=now, last_used_at=now, **rest)
    factors.note(user)


def staff_with(*codenames: str) -> Client:
    """A browser of sam, a new administrator with these permissions."""
    return with_permissions(add_staff(), *codenames)


def state() -> Any:
    return (
        list(User.objects.exclude(username="sam").order_by("pk").values()),
        list(Session.objects.exclude(user__username="sam").order_by("pk").values()),
        Message.objects.count(),
        Note.objects.count(),
        SecurityEvent.objects.count(),
    )
