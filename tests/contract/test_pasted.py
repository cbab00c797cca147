"""Every door trims typed or pasted text, but never passwords. Only the digits of a code count."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.durudex import Durudex, word
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
BLANKS = " \t{}\u00a0\n"


def pasted(text: str) -> str:
    return BLANKS.format(text)


@pytest.mark.parametrize("name", ["alice", "alice@example.org"])
def test_names(api: AuthApi, alice: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.login(pasted(name)).status_code == 200
    assert Durudex().login(pasted(name)).json().get("errors") is None
    if "@" in name:
        assert FastAPIUsers().login(pasted(name)).status_code == 200
    User.objects.update(is_staff=True)
    assert Client().post("/admin/login/", {"username": pasted(name), "password": PASSWORD}).status_code == 302
    monkeypatch.setenv("DJANGO_NEW_PASSWORD", NEW_PASSWORD)
    call_command("changepassword", pasted(name))
    assert api.login("alice", NEW_PASSWORD).status_code == 200
    call_command("end_sessions", "--user", pasted(name))
    assert Session.objects.filter(ended_at=None).count() == 0


def test_registration(api: AuthApi) -> None:
    durudex = Durudex()
    assert api.register(pasted("alice"), email=pasted("alice@example.org")).status_code == 201
    assert FastAPIUsers().register(pasted("bob@example.org")).json()["email"] == "bob@example.org"
    code = durudex.mailed_code(pasted("carol@example.org"))
    assert durudex.sign_up(pasted("carol"), pasted("carol@example.org"), code).json().get("errors") is None
    kept = list(User.objects.order_by("username").values_list("username", "email"))
    assert kept == [(name, f"{name}@example.org") for name in ("alice", "bob", "carol")]
    token = api.login("alice").json()["access"]
    assert api.call("PATCH", "user/", {"username": pasted("alicia")}, token=token).json()["username"] == "alicia"


def test_administrators(api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    named = ("--username", pasted("root"), "--email", pasted("root@example.org"))
    call_command("createsuperuser", "--noinput", *named)
    admin = Client()
    admin.post("/admin/login/", {"username": "root", "password": PASSWORD})
    body = {"username": pasted("dave"), "email": pasted("dave@example.org"), "password1": PASSWORD}
    assert admin.post("/admin/accounts/user/add/", body | {"password2": PASSWORD}).status_code == 302
    assert list(User.objects.order_by("username").values_list("username", "email")) == [
        ("dave", "dave@example.org"),
        ("root", "root@example.org"),
    ]


@pytest.mark.parametrize("door", ["authapi", "fastapi_users", "page"])
def test_verification_keys(api: AuthApi, alice: Any, letters: Mailbox, door: str) -> None:
    key = pasted(link_values(letters.only())["key"])
    answer = {
        "authapi": lambda: api.verify_email(key=key),
        "fastapi_users": lambda: FastAPIUsers().verify(key),
        "page": lambda: Client().post("/verify-email", {"key": key}),
    }[door]()
    assert answer.status_code == 200
    assert User.objects.with_address().get().email_verified is True


@pytest.mark.parametrize("door", ["authapi", "fastapi_users", "page"])
def test_reset_tokens(api: AuthApi, alice: Any, letters: Mailbox, door: str) -> None:
    letters.collect()
    asking = {
        "authapi": lambda: api.reset(pasted("alice@example.org")),
        "fastapi_users": lambda: FastAPIUsers().forgot_password(pasted("alice@example.org")),
        "page": lambda: Client().post("/reset-password/again", {"email": pasted("alice@example.org")}),
    }[door]()
    assert asking.status_code in (200, 202)
    values = {name: pasted(value) for name, value in link_values(letters.only()).items()}
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    answer = {
        "authapi": lambda: api.confirm_reset(**values, new=NEW_PASSWORD),
        "fastapi_users": lambda: FastAPIUsers().reset_password(values["token"], NEW_PASSWORD),
        "page": lambda: Client().post("/reset-password", {"token": values["token"], **passwords}),
    }[door]()
    assert answer.status_code == 200
    assert api.login("alice", NEW_PASSWORD).status_code == 200


def test_asking_for_a_verification_again(api: AuthApi, alice: Any, letters: Mailbox) -> None:
    letters.collect()
    for ask in (
        lambda: api.call("POST", "registration/resend-email/", {"email": pasted("alice@example.org")}),
        lambda: FastAPIUsers().request_verify_token(pasted("alice@example.org")),
        lambda: Client().post("/verify-email/again", {"email": pasted("alice@example.org")}),
    ):
        ask()
        assert letters.only().to == ["alice@example.org"]


def test_refresh_tokens(api: AuthApi, alice: Any) -> None:
    durudex = Durudex()
    assert durudex.refresh(pasted(alice["refresh"])).json().get("errors") is None
    pair = api.refresh(pasted(alice["refresh"])).json()
    assert api.verify(pasted(pair["access"])).status_code == 200
    assert durudex.logout(pair["access"], pasted(pair["refresh"])).json() == {"data": {"signOut": True}}


@pytest.mark.parametrize("form", [" {}{} ", "{}{}\n", "\u00a0{}{}", "{} {}", "{}-{}", "{}–{}", "-{} - {}-"])
@pytest.mark.parametrize("older", [False, True])
def test_codes(form: str, older: bool) -> None:
    durudex = Durudex(older=older)
    code = durudex.mailed_code("alice@example.org")
    typed = form.format(code[:3], code[3:])
    assert durudex.sign_up("alice", "alice@example.org", typed).json().get("errors") is None
    again = durudex.mailed_code("alice@example.org")
    assert durudex.forgot_password("alice@example.org", f"{again[:2]} {again[2:]}", NEW_PASSWORD).json() == {
        "data": {"forgotPassword": True}
    }
    assert word(durudex.forgot_password("alice@example.org", "", NEW_PASSWORD)) == "INVALID_ARGUMENT"


def test_passwords_are_never_trimmed(api: AuthApi) -> None:
    spaced = f" {PASSWORD} "
    api.register("alice", password=spaced)
    User.objects.update(is_staff=True)
    for password, is_right in ((PASSWORD, False), (spaced, True)):
        assert (api.login("alice", password).status_code == 200) is is_right
        assert (FastAPIUsers().login("alice@example.org", password).status_code == 200) is is_right
        assert ("errors" not in Durudex().login("alice", password).json()) is is_right
        into_admin = Client().post("/admin/login/", {"username": "alice", "password": password})
        assert (into_admin.status_code == 302) is is_right
