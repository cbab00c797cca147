"""Signing keys: published ahead, retired late, never lost, and nobody is logged out."""

import base64
from io import StringIO
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import SigningKey
from accounts.services import keys
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_jwks_verifies_tokens(api: AuthApi, alice: Any) -> None:
    answer = Client().get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "use", "alg", "kid", "x"}
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    claims = jwt.decode(
        alice["access"], public, algorithms=["EdDSA"], audience="accounts", issuer="http://127.0.0.1:8000"
    )
    assert claims["sub"] == alice["user"]["pk"]
    assert kid_of(alice["access"]) == key["kid"]
    assert Client().post("/.well-known/jwks.json").status_code == 405


def test_private_part_is_encrypted(alice: Any) -> None:
    row = SigningKey.objects.get()
    _kid, private = keys.signing_key()
    stored = row.private_key.encode()
    assert private.private_bytes_raw() not in base64.urlsafe_b64decode(stored)
    assert row.private_key.startswith("gAAAA")


def test_rotation_logs_nobody_out(api: AuthApi, alice: Any) -> None:
    out = StringIO()
    with time_machine.travel(timezone.now(), tick=False) as hand:
        call_command("rotate_signing_keys", stdout=out)
        old, new = SigningKey.objects.order_by("sequence")
        assert f"Published {new.kid}. It signs from " in out.getvalue()
        hand.shift(6)
        assert len(Client().get("/.well-known/jwks.json").json()["keys"]) == 2
        assert kid_of(api.refresh(alice["refresh"]).json()["access"]) == old.kid
        hand.shift(15 * 60 - 8)
        last = api.login("alice").json()
        assert kid_of(last["access"]) == old.kid
        hand.shift(3)
        assert api.user(last["access"]).status_code == 200
        fresh = api.refresh(last["refresh"]).json()
        assert (kid_of(fresh["access"]), kid_of(fresh["refresh"])) == (new.kid, new.kid)
        # The previous token leads to the same current one within the grace, whichever key signs it.
        assert api.refresh(last["refresh"]).json()["refresh"] == fresh["refresh"]
        hand.shift(30 * 24 * 3600)
        assert len(Client().get("/.well-known/jwks.json").json()["keys"]) == 1
        hand.shift(31 * 24 * 3600)
        call_command("purge_expired", stdout=out)
        assert list(SigningKey.objects.values_list("kid", flat=True)) == [new.kid]


def test_token_signed_by_the_old_key_lives_to_its_end(api: AuthApi, alice: Any) -> None:
    with time_machine.travel(timezone.now(), tick=False) as hand:
        call_command("rotate_signing_keys", stdout=StringIO())
        hand.shift(29 * 24 * 3600)
        assert api.refresh(alice["refresh"]).status_code == 200


def test_retired_key_is_refused_at_once(api: AuthApi, alice: Any) -> None:
    kid = kid_of(alice["access"])
    call_command("rotate_signing_keys", retire=kid, stdout=StringIO())
    assert api.user(alice["access"]).status_code == 401
    assert api.refresh(alice["refresh"]).status_code == 401
    assert kid_of(api.login("alice").json()["access"]) != kid
    assert kid not in str(Client().get("/.well-known/jwks.json").json())
    for wrong in (kid, "nonsense"):
        with pytest.raises(CommandError, match="no signing key"):
            call_command("rotate_signing_keys", retire=wrong)


def test_workers_notice_without_a_restart(api: AuthApi, alice: Any) -> None:
    """Another worker retires the key, and this worker does not know it."""
    with time_machine.travel(timezone.now(), tick=False) as hand:
        assert api.user(alice["access"]).status_code == 200
        SigningKey.objects.update(retired_at=timezone.now())
        hand.shift(5.1)
        assert api.user(alice["access"]).status_code == 401


def test_unknown_key_is_looked_up(api: AuthApi, alice: Any) -> None:
    """Another worker has signed with a key that this one has not read yet."""
    known = keys._known
    assert known is not None
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=2), tick=False):
        keys._known = keys.KeySet(read_at=timezone.now() - timezone.timedelta(seconds=1.5), rows=(), public={})
        assert api.user(alice["access"]).status_code == 200


def test_secret_key_rotation(api: AuthApi, alice: Any, settings: Any) -> None:
    kid = kid_of(alice["access"])
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-for-tests-0123456789"
    keys.forget()
    assert kid_of(api.login("alice").json()["access"]) == kid
    assert api.user(alice["access"]).status_code == 200


def test_lost_secret_key_logs_nobody_out(api: AuthApi, alice: Any, settings: Any) -> None:
    settings.SECRET_KEY = "another-secret-key-for-tests-0123456789"
    keys.forget()
    assert kid_of(api.login("alice").json()["access"]) != kid_of(alice["access"])
    assert api.user(alice["access"]).status_code == 200
    assert SigningKey.objects.count() == 2
