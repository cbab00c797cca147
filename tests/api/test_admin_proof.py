"""The admin asks for a recent proof before what cannot be undone."""

import re
from datetime import UTC, datetime, timedelta
"""An administrator proves with a passkey who they are, before what cannot be undone."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.core import clock
from accounts.models import Passkey, SecurityEvent, Session, User
from tests.api.admin_pages import give_factors, state
from tests.api.test_admin import admin, root
from tests.clients.authapi import PASSWORD, AuthApi
from tests.second_factors import enrol

__all__ = ["admin", "root"]
pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class TestRecentProof:
    """What cannot be undone asks who is there, unless they have just said so."""

    @pytest.fixture
    def later(self, admin: Client) -> Client:
        """A login that is more than ten minutes old."""
        Session.objects.filter(kind="admin").update(auth_time=clock.now() - timedelta(minutes=10, seconds=1))
        return admin

    def paths(self, user: User) -> list[tuple[str, dict[str, Any], str]]:
        """What asks for it, with its body, and where it leads back to."""
        page = f"/admin/accounts/user/{user.pk}"
        listed, selected = "/admin/accounts/user/", {"_selected_action": [str(user.pk)]}
        return [
            (f"{page}/act/reset-factors/", {}, f"{page}/act/reset-factors/"),
            (f"{page}/delete/", {"post": "yes"}, f"{page}/delete/"),
            (listed, {"action": "delete_selected", "post": "yes", **selected}, listed),
            (listed, {"action": "remove_factors", **selected}, listed),
        ]

    def test_an_old_login_is_not_enough(self, later: Client, user: User) -> None:
        give_factors(user)
        before = state()
        for path, body, back in self.paths(user):
            answer = later.post(path, body)
            expected = f"/admin/proof/?next={back.replace('/', '%2F')}"
            assert (answer.status_code, answer.headers["Location"]) == (302, expected)
        assert state() == before
        assert later.get(f"/admin/accounts/user/{user.pk}/act/deactivate/").status_code == 200

    def test_after_the_password_it_goes_on(self, later: Client, user: User) -> None:
        give_factors(user)
        path = f"/admin/accounts/user/{user.pk}/act/reset-factors/"
        asked = later.get(path).headers["Location"]
        assert 'name="code"' not in later.get(asked).content.decode()
        wrong = later.post("/admin/proof/", {"password": "wrong-horse-9", "next": path})
        assert "This password is wrong." in wrong.content.decode()
        assert later.get(path).status_code == 302
        answer = later.post("/admin/proof/", {"password": PASSWORD, "next": path})
        assert (answer.status_code, answer.headers["Location"]) == (302, path)
        assert later.post(path).status_code == 302
        assert Passkey.objects.count() == 0
        assert SecurityEvent.objects.filter(kind="reauthenticated").count() == 1

    def test_a_code_of_the_app_is_as_good(self, root: User, user: User, api: AuthApi) -> None:
        app = enrol(api.login("root").json()["access"])
        client = Client()
        login = client.post("/admin/login/", {"username": "root", "password": PASSWORD}).content.decode()
        (challenge,) = re.findall(r'name="challenge" value="([^"]+)"', login)
        answer = client.post("/admin/login/second-factor/", {"challenge": challenge, "code": app.next()})
        assert answer.status_code == 302
        Session.objects.filter(kind="admin").update(auth_time=clock.now() - timedelta(minutes=11))
        path = f"/admin/accounts/user/{user.pk}/delete/"
        asked = client.get(path).headers["Location"]
        assert 'name="code"' in client.get(asked).content.decode()
        wrong = client.post("/admin/proof/", {"code": app.wrong(), "next": path}).content.decode()
        assert "This code is wrong, used or expired." in wrong
        assert client.post(path, {"post": "yes"}).status_code == 302
        assert User.objects.filter(pk=user.pk).exists()
        assert client.post("/admin/proof/", {"code": app.recovery_codes[0], "next": path}).headers["Location"] == path
        assert client.post(path, {"post": "yes"}).status_code == 302
        assert not User.objects.filter(pk=user.pk).exists()

    def test_it_leads_nowhere_else(self, later: Client) -> None:
        body = {"password": PASSWORD, "next": "https://evil.example/"}
        assert later.post("/admin/proof/", body).headers["Location"] == "/admin/"

    def test_wrong_passwords_are_counted(self, later: Client) -> None:
        with time_machine.travel(NOON, tick=False):
            later.post("/admin/login/", {"username": "root", "password": PASSWORD})
            for _try in range(10):
                later.post("/admin/proof/", {"password": "wrong-horse-9"})
            refused = later.post("/admin/proof/", {"password": PASSWORD}).content.decode()
        assert "Too many requests. Try again later." in refused

    def test_it_is_for_who_is_in_the_admin(self, later: Client) -> None:
        assert Client().get("/admin/proof/").status_code == 302
        assert Client().post("/admin/proof/", {"password": PASSWORD}).status_code == 302


from tests.api.test_admin import admin, root
from tests.api.test_passkeys import add, begin
from tests.clients.authapi import AuthApi
from tests.passkeys import Authenticator

__all__ = ["admin", "root"]

pytestmark = pytest.mark.django_db
PROOF = "/admin/proof/"
LIST = "/admin/accounts/signingkey/"


@pytest.fixture
def passkey(admin: Client, api: AuthApi) -> Iterator[Authenticator]:
    """Root's, whose session in the admin is older than a recent proof."""
    device = Authenticator()
    assert add(api, api.login("root").json()["access"], device).status_code == 201
    # Adding the factor has ended the session of the admin. Here it goes on.
    Session.objects.filter(kind="admin").update(ended_at=None)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        yield device


def asked(admin: Client) -> Any:
    page = admin.get(PROOF, {"next": LIST})
    assert page.status_code == 200
    return page.context


def prove(admin: Client, state: str, credential: Any) -> Any:
    text = credential if isinstance(credential, str) else json.dumps(credential)
    return admin.post(PROOF, {"next": LIST, "state": state, "credential": text})


def is_asked_first(admin: Client) -> bool:
    return str(admin.post(f"{LIST}rotate/").headers["Location"]).startswith(PROOF)


def test_a_passkey_is_a_proof(admin: Client, passkey: Authenticator) -> None:
    page = admin.get(PROOF, {"next": LIST})
    assert b"Prove it with a passkey" in page.content
    assert page.context["options"]["userVerification"] == "required"
    assert is_asked_first(admin)
    answer = prove(admin, page.context["form"].initial["state"], passkey.get(page.context["options"]))
    assert (answer.status_code, answer.headers["Location"]) == (302, LIST)
    assert not is_asked_first(admin)
    session = Session.objects.get(kind="admin")
    assert session.amr == "pwd passkey"
    assert SecurityEvent.objects.filter(kind="reauthenticated", session_id=session.pk).count() == 1


def test_each_signature_is_good_once(admin: Client, passkey: Authenticator) -> None:
    first = asked(admin)
    signed = passkey.get(first["options"])
    assert prove(admin, first["form"].initial["state"], signed).status_code == 302
    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        before = Session.objects.get(kind="admin").auth_time
        assert prove(admin, first["form"].initial["state"], signed).status_code == 200
    assert Session.objects.get(kind="admin").auth_time == before


def test_what_is_no_proof(admin: Client, passkey: Authenticator, api: AuthApi) -> None:
    api.register("alice")
    alices = Authenticator()
    assert add(api, api.login("alice").json()["access"], alices).status_code == 201
    one = asked(admin)
    state, options = one["form"].initial["state"], one["options"]
    before = Session.objects.get(kind="admin").auth_time
    # As the second factor of a login, without a proof of its user.
    challenge = api.login("root").json()["challenge"]
    second = begin(api, "login", body={"challenge": challenge})
    for sent_state, credential in (
        (state, alices.get(options)),
        (state, passkey.get(options, origin="https://evil.example.org")),
        (state, passkey.get({**options, "challenge": "b3RoZXI"})),
        ("", passkey.get(options)),
        (second["state"], passkey.get(second["options"])),
        (state, {"id": 1}),
    ):
        answer = prove(admin, sent_state, credential)
        assert answer.status_code == 200
        assert b"This passkey does not fit, or the request took too long." in answer.content
        # Another try needs another state.
        assert answer.context["form"]["state"].value() not in (state, sent_state)
        assert answer.context["form"]["credential"].value() == ""
        assert answer.context["form"]["next"].value() == LIST
    for credential in ("[1]", "1", '"x"', ""):
        assert b"Fill in one of them." in prove(admin, state, credential).content
    for credential in ("{", "[" * 100_000, "{" * 3 + "\0"):
        assert prove(admin, state, credential).status_code == 200
    assert Session.objects.get(kind="admin").auth_time == before
    assert is_asked_first(admin)
    assert not SecurityEvent.objects.filter(kind="reauthenticated").exists()


def test_after_a_refusal_the_next_one_proves(admin: Client, passkey: Authenticator) -> None:
    answer = admin.post(PROOF, {"next": LIST, "password": "wrong-horse-9"})
    assert b"This password is wrong." in answer.content
    state = answer.context["form"]["state"].value()
    assert prove(admin, state, passkey.get(answer.context["options"])).headers["Location"] == LIST


def test_who_has_no_passkey_is_not_asked_for_one(admin: Client, passkey: Authenticator) -> None:
    Passkey.objects.all().delete()
    page = admin.get(PROOF)
    assert page.status_code == 200
    assert b"passkey" not in page.content
    User.objects.update(has_second_factor=False)
    page = admin.get(PROOF)
    assert b"passkey" not in page.content
    assert b'name="credential"' not in page.content
