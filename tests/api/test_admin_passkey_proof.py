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
from tests.api.test_passkeys import add, begin
from tests.clients.authapi import AuthApi
from tests.passkeys import Authenticator

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


def test_invalid_proofs_are_refused(admin: Client, passkey: Authenticator, api: AuthApi) -> None:
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
