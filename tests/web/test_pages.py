"""The pages for links in mails: a GET changes nothing, the button acts, and no key is cached or passed on."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import SecurityEvent, Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link, link_values

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def path_of(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.mark.parametrize("path", ["/", "/verify-email?key=x", "/reset-password?uid=x&token=y", "/not-me?key=x"])
def test_headers(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert not answer.cookies
    page = answer.content.decode()
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


@pytest.mark.parametrize("path", ["/verify-email/again", "/reset-password/again"])
def test_wrong_methods(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 405
    assert browser.delete("/verify-email").status_code == 405


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Verify your e-mail address"), ("ru", "Подтвердите адрес e-mail"), ("uk", "Підтвердьте адресу e-mail")],
)
def test_languages(browser: Client, language: str, title: str) -> None:
    page = browser.get("/verify-email?key=x", headers={"Accept-Language": language}).content.decode()
    assert f"<h1>{title}</h1>" in page
    assert f'<html lang="{language}">' in page


def test_verify(browser: Client, api: AuthApi, alice: Any, rows: Any, letters: Mailbox) -> None:
    url = path_of(link(letters.only()))
    before = rows()
    for _ in range(3):
        assert browser.get(url).status_code == 200
        assert browser.head(url).status_code == 200
    assert rows() == before
    assert api.user(alice["access"]).json()["email_verified"] is False
    key = url.split("key=")[1]
    done = browser.post("/verify-email", {"key": key})
    assert (done.status_code, "Your address is verified" in done.content.decode()) == (200, True)
    assert api.user(alice["access"]).json()["email_verified"] is True
    again = browser.post("/verify-email", {"key": key})
    assert (again.status_code, "<h1>Your address is already verified</h1>" in again.content.decode()) == (200, True)
    assert 'name="email"' not in again.content.decode()
    # The API answers as before.
    assert api.verify_email(key=key).json() == {"key": ["This key is wrong, used or expired."]}
    assert FastAPIUsers().verify(key).json() == {"detail": "VERIFY_USER_ALREADY_VERIFIED"}


@pytest.mark.parametrize("key", ["", "nonsense", "x" * 5000])
def test_verify_with_a_wrong_key(browser: Client, key: str) -> None:
    answer = browser.post("/verify-email", {"key": key})
    assert (answer.status_code, "<h1>This link no longer works</h1>" in answer.content.decode()) == (400, True)


def test_ask_again(browser: Client, api: AuthApi, alice: Any, letters: Mailbox) -> None:
    letters.collect()
    known = browser.post("/verify-email/again", {"email": " Alice@example.org "})
    unknown = browser.post("/verify-email/again", {"email": "nobody@example.org"})
    nothing = browser.post("/verify-email/again", {})
    assert known.status_code == 200
    assert known.content == unknown.content == nothing.content
    assert letters.only().subject == "Verify your e-mail address"
    assert browser.post("/reset-password/again", {"email": "alice@example.org"}).content == known.content
    assert letters.only().subject == "Reset your password"


def test_reset(browser: Client, api: AuthApi, alice: Any, letters: Mailbox) -> None:
    letters.collect()
    api.reset("alice@example.org")
    url = path_of(link(letters.only()))
    assert browser.get(url).status_code == 200
    token = url.split("token=")[1]

    def choose(first: str, second: str) -> Any:
        return browser.post("/reset-password", {"token": token, "password1": first, "password2": second})

    differing, common = choose(NEW_PASSWORD, "other-horse-9"), choose("password1", "password1")
    assert (differing.status_code, "didn&#x27;t match" in differing.content.decode()) == (400, True)
    assert (common.status_code, "This password is too common." in common.content.decode()) == (400, True)
    assert token in common.content.decode()
    assert "password1&quot;" not in common.content.decode()
    assert api.login("alice").status_code == 200
    done = choose(NEW_PASSWORD, NEW_PASSWORD)
    assert (done.status_code, "Your password is changed" in done.content.decode()) == (200, True)
    assert api.login("alice", NEW_PASSWORD).status_code == 200
    assert api.user(alice["access"]).status_code == 401
    assert "This link no longer works" in choose("third-horse-99", "third-horse-99").content.decode()


def test_not_me(browser: Client, api: AuthApi, verified_alice: Any, rows: Any, letters: Mailbox) -> None:
    thief = api.login("alice").json()
    assert api.change_password(thief["access"], PASSWORD, NEW_PASSWORD).status_code == 200
    *_, notice = letters.collect()
    assert "It came from the IP address 127.0.0.1." in notice.body  # type: ignore[attr-defined]
    url = path_of(link(notice))
    before = rows()
    assert "Was it not you?" in browser.get(url).content.decode()
    assert rows() == before
    key = link_values(notice)["key"]
    done = browser.post("/not-me", {"key": key})
    assert (done.status_code, "Your account is safe again" in done.content.decode()) == (200, True)
    assert api.user(thief["access"]).status_code == 401
    assert api.login("alice", NEW_PASSWORD).status_code == 400
    assert api.login("alice", PASSWORD).status_code == 400
    assert not Session.objects.filter(ended_at=None).exists()
    assert SecurityEvent.objects.filter(kind="disowned").count() == 1
    values = link_values(letters.only())
    assert browser.post("/not-me", {"key": key}).status_code == 400
    assert letters.collect() == []
    assert api.confirm_reset(**values, new="third-horse-99").status_code == 200
    assert api.login("alice", "third-horse-99").status_code == 200


@pytest.mark.parametrize("key", ["", "x", "a:b:c", "é" * 100, "x" * 5000])
@pytest.mark.parametrize("path", ["/verify-email", "/not-me", "/reset-password"])
def test_bad_keys(browser: Client, alice: Any, rows: Any, path: str, key: str) -> None:
    before = rows()
    body = {"key": key, "token": key, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    answer = browser.post(path, body)
    assert answer.status_code == 400
    assert "This link no longer works" in answer.content.decode()
    assert rows() == before
    assert User.objects.count() == 1


def test_other_salts_do_not_open_it(browser: Client, alice: Any, letters: Mailbox) -> None:
    key = link_values(letters.only())["key"]
    assert browser.post("/not-me", {"key": key}).status_code == 400


@pytest.mark.usefixtures("immediate")
class TestStolenAccount:
    """A thief of a session changes address and password. The owner of the old address still gets the account back."""

    @pytest.fixture
    def stolen(self, api: AuthApi, verified_alice: Any, letters: Mailbox) -> str:
        alice = verified_alice
        fastapi = FastAPIUsers()
        assert fastapi.change_me(alice["access"], email="thief@example.org").status_code == 200
        notices = {letter.to[0]: letter for letter in letters.collect() if "address" in letter.subject}  # type: ignore[attr-defined]
        assert set(notices) == {"alice@example.org", "thief@example.org"}
        # The notice of the new password goes to the thief's address, which was never verified: it has no button.
        assert fastapi.change_me(alice["access"], password=NEW_PASSWORD).status_code == 200
        (notice,) = letters.collect()
        assert "/not-me" not in notice.body  # type: ignore[attr-defined]
        assert "If it was not you, ask for a new password at once." in notice.body  # type: ignore[attr-defined]
        assert "/not-me" not in notices["thief@example.org"].body  # type: ignore[attr-defined]
        return link_values(notices["alice@example.org"])["key"]

    def test_is_given_back(self, browser: Client, api: AuthApi, stolen: str, alice: Any, letters: Mailbox) -> None:
        assert browser.post("/not-me", {"key": stolen}).status_code == 200
        assert api.user(alice["access"]).status_code == 401
        assert api.login("alice", NEW_PASSWORD).status_code == 400
        letter = letters.only()
        assert (letter.to, letter.subject) == (["alice@example.org"], "Reset your password")  # type: ignore[attr-defined]
        assert api.confirm_reset(**link_values(letter), new="third-horse-99").status_code == 200
        user = api.login("alice@example.org", "third-horse-99").json()["user"]
        assert (user["email"], user["email_verified"]) == ("alice@example.org", True)
        assert browser.post("/not-me", {"key": stolen}).status_code == 400

    def test_later_notices_work_again(self, browser: Client, api: AuthApi, stolen: str, letters: Mailbox) -> None:
        assert browser.post("/not-me", {"key": stolen}).status_code == 200
        api.confirm_reset(**link_values(letters.only()), new="third-horse-99")
        (notice,) = letters.collect()
        assert browser.post("/not-me", link_values(notice)).status_code == 200

    def test_stays_locked_where_the_address_is_taken_by_now(
        self, browser: Client, api: AuthApi, stolen: str, alice: Any, letters: Mailbox
    ) -> None:
        assert api.register("mallory", email="alice@example.org").status_code == 201
        letters.collect()
        assert browser.post("/not-me", {"key": stolen}).status_code == 200
        assert api.user(alice["access"]).status_code == 401
        assert api.login("alice", NEW_PASSWORD).status_code == 400
        assert letters.collect() == []


@pytest.mark.usefixtures("immediate")
class TestAccountWithANewOwner:
    """A former owner cannot take an account back from the owner of its present address (USENIX Security 2022)."""

    @pytest.fixture
    def notices(self, api: AuthApi, verified_alice: Any, letters: Mailbox) -> list[str]:
        """The keys that were mailed to the old owner before the address became victim@example.org."""
        access = verified_alice["access"]
        assert api.change_password(access, PASSWORD, NEW_PASSWORD).status_code == 200
        (password_notice,) = letters.collect()
        assert FastAPIUsers().change_me(access, email="victim@example.org").status_code == 200
        letters_of_change = {letter.to[0]: letter for letter in letters.collect()}  # type: ignore[attr-defined]
        self.to_victim = letters_of_change["victim@example.org"]
        return [link_values(letter)["key"] for letter in (password_notice, letters_of_change["alice@example.org"])]

    def prove_by_reset(self, api: AuthApi, letters: Mailbox) -> None:
        api.reset("victim@example.org")
        assert api.confirm_reset(**link_values(letters.only()), new="third-horse-99").status_code == 200

    def prove_by_verification(self, api: AuthApi, letters: Mailbox) -> None:
        assert api.verify_email(**link_values(self.to_victim)).status_code == 200

    def prove_by_code(self, api: AuthApi, letters: Mailbox) -> None:
        client = Durudex()
        code = client.mailed_code("victim@example.org")
        assert client.forgot_password("victim@example.org", code, "third-horse-99").json()["data"]["forgotPassword"]

    @pytest.mark.parametrize("proof", ["prove_by_reset", "prove_by_verification", "prove_by_code"])
    def test_no_older_notice_works(
        self, browser: Client, api: AuthApi, notices: list[str], rows: Any, letters: Mailbox, proof: str
    ) -> None:
        getattr(self, proof)(api, letters)
        letters.collect()
        before, user = rows(), User.objects.values().get()
        for key in notices:
            assert browser.post("/not-me", {"key": key}).status_code == 400
        assert letters.collect() == []
        assert (rows(), User.objects.values().get()) == (before, user)
        assert user["email"] == "victim@example.org"

    def test_a_notice_mailed_after_the_proof_works(
        self, browser: Client, api: AuthApi, notices: list[str], letters: Mailbox
    ) -> None:
        self.prove_by_verification(api, letters)
        access = api.login("alice", NEW_PASSWORD).json()["access"]
        assert api.change_password(access, NEW_PASSWORD, "third-horse-99").status_code == 200
        (notice,) = letters.collect()
        assert browser.post("/not-me", link_values(notice)).status_code == 200
        assert letters.only().to == ["victim@example.org"]  # type: ignore[attr-defined]
