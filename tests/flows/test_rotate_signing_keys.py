"""Rotating the signing keys, and retiring one."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.core import clock
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.rotate_signing_keys import retire_signing_key, rotate_signing_keys
from accounts.models import SecurityEvent, SigningKey, User
from accounts.services import keys, sessions
from tests.flows.context import client, forget, logged_in, signed_up

pytestmark = pytest.mark.django_db


def test_the_next_key_signs_after_a_quarter_of_an_hour() -> None:
    with time_machine.travel(clock.now(), tick=False):
        now = clock.now()
        first, _private = keys.signing_key()
        following = rotate_signing_keys(context=client())
        assert following is not None
        assert (following.sequence, following.signs_from) == (2, now + timedelta(minutes=15))
        assert SigningKey.objects.get(kid=first).verifies_until == now + timedelta(days=30, minutes=15)
        assert SigningKey.objects.get(kid=following.kid).verifies_until is None
        keys.forget()
        assert keys.signing_key()[0] == first
    with time_machine.travel(now + timedelta(minutes=15), tick=False):
        assert keys.signing_key()[0] == following.kid


def test_another_rotation_at_the_same_moment(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _private = keys.signing_key()
    before = rows()
    monkeypatch.setattr(keys, "_last_sequence", lambda: 0)
    assert rotate_signing_keys(context=client()) is None
    assert (rows(), SigningKey.objects.get().kid) == (before, first)
    assert SigningKey.objects.get().verifies_until is None


def test_what_a_retired_key_signed_is_refused_at_once() -> None:
    signed_up()
    access = logged_in().tokens.access
    first = SigningKey.objects.get()
    assert retire_signing_key(kid=first.kid, context=client()) is True
    first.refresh_from_db()
    assert first.retired_at is not None
    with pytest.raises(AccountError) as refused:
        sessions.authenticate(access)
    assert refused.value.code == ErrorCode.TOKEN_NOT_VALID
    assert keys.signing_key()[0] == SigningKey.objects.get(sequence=2).kid


def test_a_key_that_is_unknown_or_retired_already(rows: Any) -> None:
    first, _private = keys.signing_key()
    retire_signing_key(kid=first, context=client())
    before = rows()
    assert [retire_signing_key(kid=first, context=client()), retire_signing_key(kid="x", context=client())] == [
        False,
        False,
    ]
    assert rows() == before


def test_events_name_the_key_and_who_did_it(root: User, admin: Client) -> None:
    first, _private = keys.signing_key()
    forget()
    admin.post("/admin/accounts/signingkey/rotate/")
    following = SigningKey.objects.get(sequence=2).kid
    # Published already: nothing happens, and nothing is recorded.
    admin.post("/admin/accounts/signingkey/rotate/")
    for _again in range(2):
        admin.post(f"/admin/accounts/signingkey/{following}/retire/")
    call_command("rotate_signing_keys", retire=first, stdout=StringIO())
    call_command("rotate_signing_keys", stdout=StringIO())
    last = SigningKey.objects.latest("sequence").kid
    columns = ("kind", "detail", "actor_kind", "actor__username", "user", "dialect", "ip", "user_agent")
    by_root = ("administrator", "root", None, "admin", "127.0.0.1", "")
    by_command = ("command", None, None, "command", "", "manage.py rotate_signing_keys")
    assert list(SecurityEvent.objects.order_by("id").values_list(*columns)) == [
        ("signing_key_rotated", following, *by_root),
        ("signing_key_retired", following, *by_root),
        ("signing_key_retired", first, *by_command),
        ("signing_key_rotated", last, *by_command),
    ]
    page = admin.get("/admin/accounts/securityevent/?actor_kind__exact=administrator").content.decode()
    assert "the next signing key was published" in page
    assert following in page
