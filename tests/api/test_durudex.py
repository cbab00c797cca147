"""The Durudex operations on both endpoints: logins, tokens and users; the codes have a file of their own."""

from typing import Any

import pytest

from accounts.api.durudex.errors import WIRE
from accounts.core.errors import ErrorCode
from accounts.models import Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.durudex import Durudex, word
from tests.clock import after
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db
CAROL = "carol@example.org"


def test_whole_life(either: Durudex, api: AuthApi, letters: Mailbox) -> None:
    signed_up = either.register("carol").json()["data"]["signUp"]
    assert signed_up is True if either.older else set(signed_up) == {"access", "refresh"}

    tokens = either.login("Carol").json()["data"]["signIn"]
    assert api.user(tokens["access"]).json()["email_verified"] is True
    user = User.objects.get()
    shown = {
        "id": str(user.pk),
        "username": "carol",
        "avatarUrl": "",
        "createdAt": user.created_at.isoformat(),
        "lastVisit": user.last_visit.isoformat(),
        "verified": True,
    }
    assert either.me(tokens["access"]).json() == {"data": {"me": shown | {"email": CAROL}}}
    assert either.user(str(user.pk)).json() == {"data": {"user": shown}}

    access = either.refresh(tokens["refresh"]).json()["data"]["refreshToken"]
    assert access != tokens["access"]
    assert api.user(access).status_code == 200

    code = either.mailed_code("Carol@Example.org")
    assert either.forgot_password(CAROL, code, NEW_PASSWORD).json() == {"data": {"forgotPassword": True}}
    assert letters.only().subject == "Your password was changed"
    assert word(either.me(access)) == "UNAUTHORIZED"

    tokens = either.login("carol", NEW_PASSWORD).json()["data"]["signIn"]
    assert either.logout(tokens["access"], tokens["refresh"]).json() == {"data": {"signOut": True}}
    assert api.user(tokens["access"]).status_code == 401
    assert api.refresh(tokens["refresh"]).status_code == 401


def test_every_refusal_of_the_core_has_its_word() -> None:
    assert set(WIRE) == set(ErrorCode)


class TestSignIn:
    def test_refusals_are_one(self, either: Durudex, alice: Any) -> None:
        User.objects.create(username="gone", email="gone@example.org", is_active=False)
        answers = [either.login("alice", "wrong-horse-9"), either.login("nobody"), either.login("gone")]
        assert {answer.content for answer in answers} == {answers[0].content}
        assert word(answers[0]) == "INVALID_ARGUMENT"

    @pytest.mark.parametrize("stale", ["not-a-token", "a.b.c", ""])
    def test_stale_token_does_not_bar_it(self, durudex: Durudex, alice: Any, stale: str) -> None:
        durudex.headers = {"Authorization": f"Bearer {stale}", "Cookie": "sessionid=stale"}
        answer = durudex.login("alice")
        assert "errors" not in answer.json()

    def test_waits_for_verification(self, durudex: Durudex, api: AuthApi, settings: Any) -> None:
        settings.EMAIL_VERIFICATION = "mandatory"
        api.register("alice")
        assert word(durudex.login("alice")) == "INVALID_ARGUMENT"


class TestRefresh:
    def test_does_not_rotate(self, either: Durudex, api: AuthApi, carol: Any) -> None:
        first, second = (either.refresh(carol["refresh"]).json()["data"]["refreshToken"] for _ in range(2))
        assert first != second
        assert api.user(first).status_code == api.user(second).status_code == 200

    def test_refusals(self, durudex: Durudex, carol: Any) -> None:
        for token in ("", "x", "a.b.c", carol["access"], "é" * 5000):
            assert word(durudex.refresh(token)) == "UNAUTHORIZED"
        durudex.logout(carol["access"], carol["refresh"])
        assert word(durudex.refresh(carol["refresh"])) == "UNAUTHORIZED"

    def test_token_that_rotated_elsewhere(self, durudex: Durudex, api: AuthApi, carol: Any, letters: Mailbox) -> None:
        following = api.refresh(carol["refresh"]).json()["refresh"]
        assert "errors" not in durudex.refresh(carol["refresh"]).json()
        assert "errors" not in durudex.refresh(following).json()
        with after(seconds=31):
            assert word(durudex.refresh(carol["refresh"])) == "UNAUTHORIZED"
            assert word(durudex.refresh(following)) == "UNAUTHORIZED"
            assert letters.only().subject == "A session of yours was ended for safety"

    def test_notes_the_visit(self, durudex: Durudex, carol: Any) -> None:
        before = User.objects.get().last_visit
        with after(hours=2):
            durudex.refresh(carol["refresh"])
        assert User.objects.get().last_visit > before
        assert Session.objects.get().last_used_at > before


class TestSignOut:
    def test_needs_the_bearer_too(self, either: Durudex, carol: Any, unchanged: Any) -> None:
        assert word(either.logout(None, carol["refresh"])) == "UNAUTHORIZED"
        assert word(either.logout(carol["refresh"], carol["refresh"])) == "UNAUTHORIZED"
        assert word(either.logout(carol["access"], carol["access"])) == "UNAUTHORIZED"
        assert unchanged()
        assert "errors" not in either.me(carol["access"]).json()

    def test_somebody_elses_token(self, either: Durudex, api: AuthApi, alice: Any, carol: Any, unchanged: Any) -> None:
        assert word(either.logout(carol["access"], alice["refresh"])) == "UNAUTHORIZED"
        assert unchanged()
        assert api.user(alice["access"]).status_code == 200
        assert api.user(carol["access"]).status_code == 200

    def test_another_session_of_ones_own(self, durudex: Durudex, carol: Any) -> None:
        other = durudex.login("carol").json()["data"]["signIn"]
        assert "errors" not in durudex.logout(carol["access"], other["refresh"]).json()
        assert "errors" not in durudex.me(carol["access"]).json()
        assert word(durudex.me(other["access"])) == "UNAUTHORIZED"

    def test_with_expired_access_token(self, durudex: Durudex, carol: Any) -> None:
        with after(hours=3):
            assert word(durudex.me(carol["access"])) == "UNAUTHORIZED"
            assert "errors" not in durudex.logout(carol["access"], carol["refresh"]).json()
            assert word(durudex.refresh(carol["refresh"])) == "UNAUTHORIZED"


class TestUsers:
    def test_me_needs_a_token(self, either: Durudex, alice: Any) -> None:
        for token in (None, "x", alice["refresh"]):
            assert word(either.me(token)) == "UNAUTHORIZED"

    def test_strangers_have_no_email(self, either: Durudex, alice: Any, carol: Any) -> None:
        query = f'{{ user(id: "{alice["user"]["pk"]}") {{ email }} }}'
        answer = either.run(query, token=carol["access"])
        assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")
        through = f'{{ user(id: "{alice["user"]["pk"]}") {{ username ... on Me {{ email }} }} }}'
        assert either.run(through).json() == {"data": {"user": {"username": "alice"}}}

    def test_fragment_serves_both(self, either: Durudex, carol: Any) -> None:
        query = "query ($id: ID!) { me { ...Shown } user(id: $id) { ...Shown } } fragment Shown on User { username }"
        answer = either.run(query, {"id": str(User.objects.get().pk)}, token=carol["access"])
        assert answer.json() == {"data": {"me": {"username": "carol"}, "user": {"username": "carol"}}}

    def test_nobody(self, either: Durudex, alice: Any) -> None:
        gone = User.objects.create(username="gone", email="gone@example.org", is_active=False)
        ids = ["", "1", "user-id", str(gone.pk), "00000000-0000-0000-0000-000000000000", "x" * 9999]
        answers = {either.user(id).content for id in ids}
        assert len(answers) == 1
        assert word(either.user("user-id")) == "NOT_FOUND"


def test_different_mutations_in_one_request(either: Durudex, alice: Any) -> None:
    query = f"""mutation {{
        createVerifyEmailCode(email: "{CAROL}")
        signIn(input: {{username: "alice", password: "{PASSWORD}"}}) {{ access }}
    }}"""
    answer = either.run(query).json()
    assert answer["data"]["createVerifyEmailCode"] is True
    assert "access" in answer["data"]["signIn"]


def test_passwords_are_not_logged(either: Durudex, caplog: pytest.LogCaptureFixture) -> None:
    either.login("alice", "canary-password")
    either.run("mutation ($input: SignInInput!) { signIn(input: $input) { access } }", {"input": ["canary-password"]})
    either.run('mutation { signIn(input: {username: "alice", password: "canary-password"}) }')
    assert "canary" not in " ".join(str(record.__dict__) for record in caplog.records)
