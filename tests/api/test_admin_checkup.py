"""What the doctor says, in the admin: the network is asked when a button is pressed."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import doctor
from tests.clients.authapi import PASSWORD, AuthApi

pytestmark = pytest.mark.django_db
PAGE = "/admin/checkup/"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The probes of the network that were run; each finds something."""
    names: list[str] = []

    def probe(one: doctor.Probe) -> doctor.Probe:
        if one.ask is None:
            return one
        return doctor.Probe(
            name=one.name, ask=lambda: names.append(one.name), judge=lambda _: [f"<b>{one.name}</b> is wrong."]
        )

    monkeypatch.setattr(doctor, "PROBES", [probe(one) for one in doctor.PROBES])
    return names


def test_the_network_is_asked_by_a_button_alone(admin: Client, asked: list[str]) -> None:
    page = admin.get(PAGE).content.decode()
    assert asked == []
    assert page.count("not looked at") == 8
    assert "No worker was ever seen." in page
    page = admin.post(PAGE).content.decode()
    assert len(asked) == 8
    assert "&lt;b&gt;mail server&lt;/b&gt; is wrong." in page
    assert "not looked at" not in page
    assert PAGE in admin.get("/admin/").content.decode()


def test_who_may_not_does_not(admin: Client, asked: list[str], api: AuthApi) -> None:
    api.register("sam")
    User.objects.filter(username="sam").update(is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "sam", "password": PASSWORD})
    answers: list[Any] = [client.get(PAGE), client.post(PAGE), Client().get(PAGE), Client().post(PAGE)]
    assert [answer.status_code for answer in answers] == [403, 403, 302, 302]
    assert asked == []
    assert PAGE not in client.get("/admin/").content.decode()


def test_the_button_needs_a_csrf_token(root: User, asked: list[str]) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/admin/login/").cookies["csrftoken"].value
    client.post("/admin/login/", {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token})
    assert client.post(PAGE).status_code == 403
    assert asked == []
