"""Signing keys and settings in the admin: rotated and retired by who may and has just proved who they are."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.core import clock
from accounts.models import SecurityEvent, Session, SigningKey, User
from accounts.services import keys
from tests.clients.authapi import PASSWORD, AuthApi
from tests.second_factors import enrol

pytestmark = pytest.mark.django_db
ROTATE = "/admin/accounts/signingkey/rotate/"
LIST = "/admin/accounts/signingkey/"


def retire(kid: str) -> str:
    return f"/admin/accounts/signingkey/{kid}/retire/"


@pytest.fixture
def key(admin: Client) -> str:
    """The key that signs."""
    return keys.signing_key()[0]


def state() -> list[Any]:
    return list(SigningKey.objects.order_by("sequence").values())


def test_rotate(admin: Client, key: str) -> None:
    assert b"Rotate the keys" in admin.get(LIST).content
    answer = admin.post(ROTATE, follow=True)
    following = SigningKey.objects.get(sequence=2)
    assert f"Published the key {following.kid}." in answer.content.decode()
    assert SigningKey.objects.get(pk=key).verifies_until is not None
    assert LogEntry.objects.values_list("object_id", "change_message").get() == (following.kid, "rotated")
    before = state()
    assert b"The next key is published already." in admin.post(ROTATE, follow=True).content
    assert state() == before


def test_retire(admin: Client, key: str, api: AuthApi) -> None:
    token = api.register("alice").json()["access"]
    assert b"Retire this key" in admin.get(f"{LIST}{key}/change/").content
    answer = admin.post(retire(key), follow=True)
    assert f"Retired {key}. Every worker refuses its tokens within 5 seconds." in answer.content.decode()
    assert api.user(token).status_code == 401
    assert api.login("alice").status_code == 200
    assert LogEntry.objects.values_list("object_id", "change_message").get() == (key, "retired")
    assert b"Retire this key" not in admin.get(f"{LIST}{key}/change/").content
    before = state()
    for kid in (key, "unknown"):
        assert b"There is no such key that could be retired." in admin.post(retire(kid), follow=True).content
    assert state() == before


def test_who_may_not_does_not(key: str, api: AuthApi) -> None:
    api.register("sam")
    User.objects.filter(username="sam").update(is_staff=True)
    sam = User.objects.get(username="sam")
    sam.user_permissions.set(Permission.objects.filter(codename="view_signingkey"))
    client = Client()
    client.post("/admin/login/", {"username": "sam", "password": PASSWORD})
    before = state()
    assert b"Rotate the keys" not in client.get(LIST).content
    assert b"Retire this key" not in client.get(f"{LIST}{key}/change/").content
    assert [client.post(url).status_code for url in (ROTATE, retire(key))] == [403, 403]
    assert [Client().post(url).status_code for url in (ROTATE, retire(key))] == [302, 302]
    assert state() == before
    sam.user_permissions.add(Permission.objects.get(codename="rotate_signingkey"))
    assert client.post(ROTATE).status_code == 302
    assert SigningKey.objects.count() == 2


def test_only_by_post_with_a_token(root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/admin/login/").cookies["csrftoken"].value
    client.post("/admin/login/", {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token})
    kid = keys.signing_key()[0]
    before = state()
    assert [client.get(url).status_code for url in (ROTATE, retire(kid))] == [405, 405]
    assert [client.post(url).status_code for url in (ROTATE, retire(kid))] == [403, 403]
    assert state() == before


def test_an_old_proof_is_asked_for_again(admin: Client, key: str, api: AuthApi) -> None:
    before = state()
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        for url, back in ((ROTATE, LIST), (retire(key), f"{LIST}{key}/change/")):
            answer = admin.post(url)
            proof = answer.headers["Location"]
            assert proof == f"/admin/proof/?next={back.replace('/', '%2F')}"
            assert state() == before
        page = admin.get(proof)
        assert b"Prove first that it is you. Then do it again." in page.content
        body = {"next": back}
        assert b"Fill in one of them." in admin.post(proof, body).content
        assert b"This password is wrong." in admin.post(proof, {**body, "password": "wrong-horse-9"}).content
        assert admin.post(ROTATE).headers["Location"].startswith("/admin/proof/")
        assert state() == before
        assert admin.post(proof, {**body, "password": PASSWORD}).headers["Location"] == back
        assert SecurityEvent.objects.filter(kind="reauthenticated", dialect="admin").count() == 1
        assert admin.post(retire(key)).headers["Location"] == LIST
    assert SigningKey.objects.get(pk=key).retired_at is not None


def test_a_code_is_a_proof_too(admin: Client, key: str, api: AuthApi) -> None:
    app = enrol(api.login("root").json()["access"])
    # Adding the factor has ended the session of the admin. Here it goes on.
    Session.objects.filter(kind="admin").update(ended_at=None)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert b"recovery code" in admin.get("/admin/proof/").content
        wrong = admin.post("/admin/proof/", {"code": "000000", "next": LIST})
        assert b"This code is wrong, used or expired." in wrong.content
        right = {"code": app.recovery_codes[0], "next": LIST}
        assert admin.post("/admin/proof/", right).headers["Location"] == LIST
        assert admin.post(ROTATE).headers["Location"] == LIST
    assert SigningKey.objects.count() == 2


@pytest.mark.parametrize(
    "url", ["https://evil.example.org/", "//evil.example.org/admin/", "/api/docs/", "javascript:1", ""]
)
def test_a_proof_leads_nowhere_else(admin: Client, url: str) -> None:
    assert admin.post("/admin/proof/", {"password": PASSWORD, "next": url}).headers["Location"] == "/admin/"


def test_settings_are_shown_to_who_may_see_them(admin: Client, root: User, settings: Any, api: AuthApi) -> None:
    page = admin.get("/admin/configuration/").content.decode()
    assert '<th scope="row">SECRET_KEY</th><td>•••</td><td>environment</td>' in page
    assert '<th scope="row">WRONG_PASSWORDS_PER_DAY</th><td>50</td><td>default</td>' in page
    assert settings.SECRET_KEY not in page
    assert "/admin/configuration/" in admin.get("/admin/").content.decode()
    api.register("sam")
    User.objects.filter(username="sam").update(is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "sam", "password": PASSWORD})
    assert client.get("/admin/configuration/").status_code == 403
    assert "/admin/configuration/" not in client.get("/admin/").content.decode()
    assert Client().get("/admin/configuration/").status_code == 302
