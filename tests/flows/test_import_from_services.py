"""`manage.py import_users` of exports of services: small files as in their documentation (tests/data/moving)."""

import base64
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from tests.clients.authapi import AuthApi
from tests.moving import Run

pytestmark = pytest.mark.django_db(transaction=True)
DATA = Path(__file__).resolve().parent.parent / "data" / "moving"
KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
CREATED = "2020-10-06T15:35:35.123000+00:00"


def user(email: str = "anna@example.org") -> User:
    return User.objects.get(email=email)


def google() -> list[tuple[str, str]]:
    rows = SocialAccount.objects.filter(provider="google").values_list("user__email", "uid")
    return sorted(rows)


def test_auth0(api: AuthApi) -> None:
    assert Run(DATA / "auth0-hashes.jsonl", "auth0").code == 0
    assert api.login("anna@example.org", "battery-staple-7").status_code == 400
    run = Run(DATA / "auth0-users.jsonl", "auth0", "--on-conflict", "update")
    assert (run.code, run.out) == (0, ["1 users were moved in, in 0 s.", "1 were brought up to date."])
    anna, bob = user(), user("bob@example.org")
    assert (anna.external_id, anna.username, anna.email_verified) == ("auth0|5f7c8ec7c33c6c004bbafe82", "anna", True)
    assert (anna.avatar_url, anna.last_visit.isoformat()) == (
        "https://example.org/anna.png",
        "2024-05-06T07:08:09+00:00",
    )
    assert (bob.external_id, bob.is_active, bob.has_usable_password()) == ("google-oauth2|105", False, False)
    assert google() == [("bob@example.org", "105")]
    assert api.login("anna").status_code == 200


def test_firebase(api: AuthApi, settings: Any) -> None:
    run = Run(DATA / "firebase.json", "firebase")
    assert (run.code, run.told[0]) == (1, "account 1 (line 3): a hash of Firebase, and FIREBASE_SIGNER_KEY is not set")
    User.objects.all().delete()
    settings.FIREBASE_SIGNER_KEY = base64.b64decode(KEY)
    run = Run(DATA / "firebase.json", "firebase")
    assert (run.code, run.told[0].partition(":")[0], run.out[0]) == (
        1,
        "account 3 (line 35)",
        "2 users were moved in, in 0 s.",
    )
    anna = user()
    assert (anna.external_id, anna.created_at.isoformat()) == ("ykzVp0KkcRRx4KJ5ImeUtFbWW1z2", CREATED)
    assert user("bob@example.org").is_active is False
    assert google() == [("bob@example.org", "105")]
    assert api.login("anna@example.org", "user1password").status_code == 200


def test_keycloak(api: AuthApi) -> None:
    run = Run(DATA / "keycloak.json", "keycloak")
    assert (run.code, len(run.told), run.out) == (
        1,
        2,
        ["3 users were moved in, in 0 s.", "1 cannot be taken.", "Left out 1 times: a second factor."],
    )
    anna, bob = user(), user("bob@example.org")
    assert (str(anna.pk), anna.external_id) == ("0a3b1f0e-3b1d-4d6e-9d59-0f7a4f0a3f11",) * 2
    assert (anna.username, anna.email_verified, anna.created_at.isoformat()) == ("anna", True, CREATED)
    assert (bob.username, bob.is_active, bob.email_verified) == ("bob", False, False)
    assert google() == [("anna@example.org", "105")]
    User.objects.update(is_active=True)
    for name in ("anna", "bob", "carol"):
        assert api.login(name, "battery-staple-7").status_code == 400
        assert api.login(name).status_code == 200


def test_kratos(api: AuthApi) -> None:
    run = Run(DATA / "kratos.json", "kratos", "--provider", "google=company")
    assert (run.code, run.told) == (0, [])
    assert (str(user().pk), user().email_verified) == ("0a3b1f0e-3b1d-4d6e-9d59-0f7a4f0a3f11", True)
    assert list(SocialAccount.objects.values_list("provider", "uid")) == [("company", "105")]
    assert api.login("anna@example.org").status_code == 200


def test_clerk_csv(api: AuthApi) -> None:
    run = Run(DATA / "clerk.csv", "clerk")
    assert (run.code, run.out[1:]) == (
        0,
        ["Left out 1 times: a phone number.", "Left out 1 times: a second factor."],
    )
    anna, bob = user(), user("bob@example.org")
    assert (anna.external_id, anna.username, anna.email_verified) == ("user_2abc", "anna", True)
    assert (bob.username, bob.email_verified, bob.password.split("$")[:2]) == ("bob", False, ["wrapped", "md5"])
    for name in ("anna", "bob"):
        assert api.login(name).status_code == 200


def test_clerk_json() -> None:
    assert Run(DATA / "clerk.json", "clerk").code == 0
    assert (user().email_verified, user().avatar_url) == (True, "https://img.example.org/a")
    assert google() == [("anna@example.org", "105")]


def test_cognito(letters: Any) -> None:
    assert Run(DATA / "cognito.json", "cognito").code == 0
    assert letters.collect() == []
    assert (str(user().pk), user().username, user().email_verified) == (
        "0a3b1f0e-3b1d-4d6e-9d59-0f7a4f0a3f11",
        "anna",
        True,
    )
    assert google() == [("bob@example.org", "105")]
    User.objects.all().delete()
    assert Run(DATA / "cognito.json", "cognito", "--send-reset").code == 0
    assert len(letters.collect()) == 2


def test_supabase(api: AuthApi) -> None:
    run = Run(DATA / "supabase.csv", "supabase")
    assert (run.code, run.told[0]) == (1, "line 4: deleted at Supabase")
    anna, bob = user(), user("bob@example.org")
    assert (str(anna.pk), anna.email_verified, anna.avatar_url) == (
        "0a3b1f0e-3b1d-4d6e-9d59-0f7a4f0a3f11",
        True,
        "https://example.org/anna.png",
    )
    assert (bob.email_verified, bob.is_active) == (False, False)
    assert api.login("anna").status_code == 200


def test_dumpdata(api: AuthApi) -> None:
    assert Run(DATA / "dumpdata.json", "django").code == 0
    anna = user()
    assert (anna.username, anna.external_id, anna.is_superuser, anna.is_staff) == ("admin", "1", True, True)
    assert anna.created_at.isoformat() == CREATED
    assert api.login("admin").status_code == 200


@pytest.mark.parametrize(
    "format", ["auth0", "firebase", "keycloak", "kratos", "clerk", "cognito", "supabase", "django"]
)
@pytest.mark.parametrize(
    "given",
    [
        b'[{"id": {}, "email": "a@example.org", "localId": [], "user_id": {}, "traits": 7, "Attributes": 7}]',
        b'{"users": 7, "Users": 7}',
        b'[7, "x", [1], {"email": null}]',
        b"\x00\x01\x02",
        b"[",
    ],
)
def test_what_is_of_another_shape(format: str, given: bytes) -> None:
    run = Run("-", format, given=given)
    assert run.code in (0, 1)
    assert User.objects.count() == 0
