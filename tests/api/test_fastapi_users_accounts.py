"""FastAPI Users: changing and deleting accounts, by their users and by superusers."""

import threading
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Message, SecurityEvent, Session, User
from accounts.models.security_event import EventKind
from tests import openapi
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.clients.fastapi_users import ARTHUR, COOKIE, MERLIN, UNAUTHORIZED, FastAPIUsers, id_of
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


def kinds(email: str) -> list[str]:
    """The kinds of a user's events after registration and login, the oldest first."""
    return list(SecurityEvent.objects.filter(user__email=email).order_by("id").values_list("kind", flat=True))[2:]


class TestPatchMe:
    def test_password_keeps_this_session(self, client: FastAPIUsers, arthur: str, letters: Mailbox) -> None:
        other, cookie = client.token(ARTHUR), client.cookie_login(ARTHUR).cookies[COOKIE].value
        letters.collect()
        assert client.change_me(arthur, password=NEW_PASSWORD).status_code == 200
        assert client.me(arthur).status_code == 200
        assert (client.me(other).status_code, client.me(cookie=cookie).status_code) == (401, 401)
        assert client.login(ARTHUR).json() == {"detail": "LOGIN_BAD_CREDENTIALS"}
        assert client.login(ARTHUR, NEW_PASSWORD).status_code == 200
        assert letters.only().subject == "Your password was changed"

    def test_address(self, client: FastAPIUsers, arthur: str, letters: Mailbox, immediate: None) -> None:
        key = link_values(letters.only())["key"]
        client.forgot_password(ARTHUR)
        reset = link_values(letters.only())["token"]
        answer = client.change_me(arthur, email="Arthur@Avalon.bt")
        assert (answer.json()["email"], answer.json()["is_verified"]) == ("Arthur@avalon.bt", False)
        mails = letters.collect()
        changed = "The e-mail address of your account was changed"
        assert [(mail.to, mail.subject) for mail in mails] == [
            ([ARTHUR], changed),
            (["Arthur@avalon.bt"], changed),
            (["Arthur@avalon.bt"], "Verify your e-mail address"),
        ]
        # Keys that were mailed to the old address are worthless.
        assert client.verify(key).json() == {"detail": "VERIFY_USER_BAD_TOKEN"}
        assert client.reset_password(reset, NEW_PASSWORD).json() == {"detail": "RESET_PASSWORD_BAD_TOKEN"}
        assert client.verify(link_values(mails[2])["key"]).json()["is_verified"] is True
        assert kinds("Arthur@avalon.bt")[-2:] == [EventKind.EMAIL_CHANGED, EventKind.EMAIL_VERIFIED]
        assert client.me(arthur).status_code == 200
        assert client.register(ARTHUR).status_code == 201

    def test_all_or_nothing(self, client: FastAPIUsers, arthur: str, merlin: str, rows: Any) -> None:
        other, before = client.token(ARTHUR), rows()
        answer = client.change_me(arthur, password=NEW_PASSWORD, email=MERLIN)
        assert answer.json() == {"detail": "UPDATE_USER_EMAIL_ALREADY_EXISTS"}
        assert rows() == before
        assert client.me(other).json()["email"] == ARTHUR
        assert client.login(ARTHUR).status_code == 200

    def test_an_address_that_is_confirmed(self, client: FastAPIUsers, arthur: str, letters: Mailbox) -> None:
        letters.collect()
        assert client.change_me(arthur, email="Arthur@Avalon.bt").json()["email"] == ARTHUR
        assert client.me(arthur).json()["email"] == ARTHUR
        mails = letters.collect()
        assert [(mail.to, mail.subject) for mail in mails] == [
            (["Arthur@avalon.bt"], "Confirm your new e-mail address"),
            ([ARTHUR], "Somebody asked to change your e-mail address"),
        ]
        answer = client.verify(link_values(mails[0])["key"])
        assert (answer.json()["email"], answer.json()["is_verified"]) == ("Arthur@avalon.bt", True)
        assert client.me(arthur).json()["email"] == "Arthur@avalon.bt"

    @pytest.mark.parametrize("body", [{"email": "x@avalon.bt"}, {"password": NEW_PASSWORD}])
    def test_a_session_of_more_than_an_hour(
        self, client: FastAPIUsers, arthur: str, rows: Any, body: dict[str, str]
    ) -> None:
        Session.objects.update(auth_time=timezone.now() - timezone.timedelta(hours=1, seconds=1))
        before, user = rows(), User.objects.values().get(email=ARTHUR)
        answer = client.change_me(arthur, **body)
        assert (answer.status_code, answer.json()) == (403, {"detail": "REAUTHENTICATION_REQUIRED"})
        assert (rows(), User.objects.values().get(email=ARTHUR)) == (before, user)
        Session.objects.update(auth_time=timezone.now() - timezone.timedelta(minutes=59))
        assert client.change_me(arthur, **body).status_code == 200

    def test_notice_reaches_the_old_address(self, client: FastAPIUsers, arthur: str, letters: Mailbox) -> None:
        letters.collect()
        assert client.change_me(arthur, email="x@avalon.bt", password=NEW_PASSWORD).status_code == 200
        told = [mail.to for mail in letters.collect() if mail.subject == "Your password was changed"]
        assert told == [[ARTHUR]]

    def test_nothing_to_do(self, client: FastAPIUsers, arthur: str, rows: Any) -> None:
        before = rows()
        for body in ({}, {"email": ARTHUR}, {"email": None, "password": None, "is_active": None}):
            assert client.change_me(arthur, **body).json()["email"] == ARTHUR
        assert rows() == before


class TestUsers:
    def test_change(self, client: FastAPIUsers, arthur: str, merlin: str, letters: Mailbox) -> None:
        letters.collect()
        answer = client.change(
            id_of(ARTHUR), merlin, email="a@avalon.bt", password=NEW_PASSWORD, is_superuser=True, is_verified=True
        )
        assert answer.json() == {
            "id": id_of("a@avalon.bt"),
            "email": "a@avalon.bt",
            "is_active": True,
            "is_superuser": True,
            "is_verified": True,
        }
        assert client.me(arthur).json() == UNAUTHORIZED
        assert client.me(merlin).status_code == 200
        assert client.me(client.token("a@avalon.bt", NEW_PASSWORD)).json() == answer.json()
        assert [mail.to for mail in letters.collect()] == [[ARTHUR], [ARTHUR], ["a@avalon.bt"]]

    def test_all_or_nothing(self, client: FastAPIUsers, arthur: str, merlin: str, rows: Any) -> None:
        before = rows()
        answer = client.change(id_of(ARTHUR), merlin, password=NEW_PASSWORD, is_superuser=True, email=MERLIN)
        assert answer.status_code == 400
        assert rows() == before
        assert client.me(arthur).json()["is_superuser"] is False

    def test_deactivate(self, client: FastAPIUsers, arthur: str, merlin: str) -> None:
        assert client.change(id_of(ARTHUR), merlin, is_active=False).json()["is_active"] is False
        assert client.me(arthur).json() == UNAUTHORIZED
        assert client.login(ARTHUR).json() == {"detail": "LOGIN_BAD_CREDENTIALS"}
        # A password set meanwhile does not let them in.
        assert client.change(id_of(ARTHUR), merlin, password=NEW_PASSWORD).status_code == 200
        assert client.login(ARTHUR, NEW_PASSWORD).json() == {"detail": "LOGIN_BAD_CREDENTIALS"}
        assert client.change(id_of(ARTHUR), merlin, is_active=True).json()["is_active"] is True
        assert client.login(ARTHUR, NEW_PASSWORD).status_code == 200

    def test_own_password_keeps_this_session(self, client: FastAPIUsers, merlin: str) -> None:
        other = client.token(MERLIN)
        assert client.change(id_of(MERLIN), merlin, password=NEW_PASSWORD).status_code == 200
        assert (client.me(merlin).status_code, client.me(other).status_code) == (200, 401)

    def test_delete(self, client: FastAPIUsers, arthur: str, merlin: str, immediate: None) -> None:
        curl = FastAPIUsers(**{"User-Agent": "curl of Arthur"})
        curl.login(ARTHUR, "wrong-horse-9")
        curl.change_me(arthur, email="a@avalon.bt")
        curl.register("A@avalon.bt")
        user = User.objects.get(email="a@avalon.bt")
        mine = list(SecurityEvent.objects.filter(user=user).values_list("pk", flat=True))
        roles = client.change(str(user.pk), merlin, is_superuser=True)
        assert roles.status_code == 200
        assert client.delete(str(user.pk), merlin).status_code == 204
        assert client.me(arthur).json() == UNAUTHORIZED
        assert not Session.objects.filter(user_id=user.pk).exists()
        assert not Message.objects.filter(to="a@avalon.bt").exists()
        left = SecurityEvent.objects.filter(pk__in=mine) | SecurityEvent.objects.filter(kind=EventKind.ROLES_CHANGED)
        assert left.count() == len(mine) + 1
        assert set(left.values_list("user", "ip", "user_agent")) == {(None, "", "")}
        said = " ".join(left.values_list("detail", flat=True))
        assert not {"arthur", "avalon", "camelot", str(user.pk)} & set(said.lower().replace("@", " ").split())
        assert not SecurityEvent.objects.filter(user_agent__contains="Arthur").exists()
        deleted = SecurityEvent.objects.get(kind=EventKind.DELETED)
        assert (deleted.user, deleted.ip) == (None, "127.0.0.1")

    def test_delete_oneself(self, client: FastAPIUsers, arthur: str, merlin: str) -> None:
        client.change(id_of(ARTHUR), merlin, is_superuser=True)
        assert client.delete(id_of(ARTHUR), arthur).status_code == 204
        deleted = SecurityEvent.objects.get(kind=EventKind.DELETED)
        assert (deleted.user, deleted.ip, deleted.user_agent) == (None, "", "")


class TestRaces:
    def race(self, *calls: Any) -> list[int]:
        """The status codes of calls that start at the same moment."""
        # The OpenAPI document is made before the start, so that no call has to make it.
        openapi.document()
        barrier, answers = threading.Barrier(len(calls)), []

        def run(call: Any) -> None:
            barrier.wait()
            answers.append(call().status_code)
            connection.close()

        threads = [threading.Thread(target=run, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    @pytest.mark.django_db(transaction=True)
    def test_one_address_registered_at_once(self, client: FastAPIUsers) -> None:
        spellings = (ARTHUR, ARTHUR.upper(), ARTHUR.title(), ARTHUR)
        assert self.race(*(partial(client.register, email) for email in spellings)) == [201, 400, 400, 400]
        assert User.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_one_name_made_at_once(self, client: FastAPIUsers) -> None:
        calls = [partial(client.register, f"arthur@{place}.bt") for place in ("camelot", "avalon", "tintagel")]
        assert self.race(*calls) == [201, 201, 201]

    @pytest.mark.django_db(transaction=True)
    def test_one_address_taken_at_once(self, client: FastAPIUsers, arthur: str, merlin: str, immediate: None) -> None:
        calls = [partial(client.change_me, token, email="grail@camelot.bt") for token in (arthur, merlin)]
        assert self.race(*calls) == [200, 400]

    @pytest.mark.django_db(transaction=True)
    def test_addresses_asked_for_at_once(self, client: FastAPIUsers, arthur: str) -> None:
        calls = [partial(client.change_me, arthur, email=f"{name}@camelot.bt") for name in ("a", "b", "c")]
        assert self.race(*calls) == [200, 200, 200]
        own, wanted = User.objects.get().emailaddress_set.order_by("-primary")
        assert (own.email, wanted.email in {"a@camelot.bt", "b@camelot.bt", "c@camelot.bt"}) == (ARTHUR, True)

    @pytest.mark.django_db(transaction=True)
    def test_own_address_changed_at_once(self, client: FastAPIUsers, arthur: str, immediate: None) -> None:
        calls = [partial(client.change_me, arthur, email=f"{name}@camelot.bt") for name in ("a", "b", "c")]
        assert self.race(*calls) == [200, 200, 200]
        (address,) = User.objects.get().emailaddress_set.all()
        assert address.email == User.objects.get().email

    @pytest.mark.django_db(transaction=True)
    def test_superusers_who_remove_each_other(self, client: FastAPIUsers, arthur: str, merlin: str) -> None:
        pairs = [(id_of(ARTHUR), merlin), (id_of(MERLIN), arthur)]
        for _round in range(5):
            User.objects.update(is_superuser=True)
            answers = self.race(*(partial(client.change, id, token, is_superuser=False) for id, token in pairs))
            # The second one is then the last superuser, or no superuser any more.
            assert answers in ([200, 400], [200, 403])
            assert User.objects.filter(is_superuser=True).count() == 1


class TestLastSuperuser:
    REFUSED = {"detail": "LAST_SUPERUSER"}

    def test_stays(self, client: FastAPIUsers, arthur: str, merlin: str, rows: Any) -> None:
        User.objects.filter(email=ARTHUR).update(is_superuser=True, is_active=False)
        before, id = rows(), id_of(MERLIN)
        assert client.delete(id, merlin).json() == self.REFUSED
        assert client.change(id, merlin, is_active=False, password=NEW_PASSWORD).json() == self.REFUSED
        assert client.change(id, merlin, is_superuser=False, email="m@avalon.bt").json() == self.REFUSED
        assert rows() == before
        assert client.me(merlin).json()["is_superuser"] is True
        User.objects.filter(email=ARTHUR).update(is_active=True)
        assert client.change(id, merlin, is_superuser=False).json()["is_superuser"] is False
        assert client.delete(id_of(ARTHUR), client.token(ARTHUR)).json() == self.REFUSED

    def test_stays_in_the_admin(self, client: FastAPIUsers, merlin: str, arthur: str) -> None:
        User.objects.filter(email=MERLIN).update(is_staff=True)
        User.objects.filter(email=ARTHUR).update(is_staff=True, is_superuser=True)
        browser = Client()
        browser.post("/admin/login/", {"username": MERLIN, "password": PASSWORD})
        users = "/admin/accounts/user/"
        both = {"_selected_action": [id_of(MERLIN), id_of(ARTHUR)], "index": "0"}
        answer = browser.post(users, {**both, "action": "deactivate"}, follow=True)
        assert User.objects.filter(is_superuser=True, is_active=True).count() == 1
        stays = User.objects.get(is_superuser=True, is_active=True)
        browser = Client()
        browser.post("/admin/login/", {"username": stays.email, "password": PASSWORD})
        answer = browser.post(users, {**both, "action": "deactivate"}, follow=True)
        assert b"The last active superuser has to stay." in answer.content
        answer = browser.post(f"{users}{stays.pk}/delete/", {"post": "yes"}, follow=True)
        assert b"The last active superuser has to stay." in answer.content
        delete = {"_selected_action": [str(stays.pk)], "index": "0", "action": "delete_selected", "post": "yes"}
        answer = browser.post(users, delete, follow=True)
        assert b"The last active superuser has to stay." in answer.content
        form = {"username": stays.username, "avatar_url": "", "is_staff": "on", "is_superuser": "on"}
        answer = browser.post(f"{users}{stays.pk}/change/", form, follow=True)
        assert b"The last active superuser has to stay." in answer.content
        stays.refresh_from_db()
        assert stays.is_active


class TestCreateSuperuser:
    def test_without_username(self, client: FastAPIUsers, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        call_command("createsuperuser", "--noinput", "--email", ARTHUR)
        assert "king.arthur" in capsys.readouterr().out
        me = client.me(client.token(ARTHUR)).json()
        assert (me["is_superuser"], me["is_verified"]) == (True, True)
        call_command("createsuperuser", "--noinput", "--email", "king.arthur@avalon.bt")
        assert User.objects.filter(is_superuser=True, username__startswith="king.arthur-").count() == 1
