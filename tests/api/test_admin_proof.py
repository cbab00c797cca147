"""The admin asks for a recent proof before what cannot be undone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.core import clock
from accounts.models import Passkey, SecurityEvent, Session, User
from tests.api.admin_pages import give_factors, state
from tests.clients.authapi import PASSWORD, AuthApi
from tests.second_factors import enrol

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
            refused = later.post("/admin/proof/", {"password": PASSWORD})
        assert "Too many requests. Try again later." in refused.content.decode()
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")

    def test_it_is_for_who_is_in_the_admin(self, later: Client) -> None:
        assert Client().get("/admin/proof/").status_code == 302
        assert Client().post("/admin/proof/", {"password": PASSWORD}).status_code == 302
