"""Rows 54, 55, 63, 65 and 66 of the security list, at every door of the three dialects."""

import json
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import LoginCode, Message, SecurityEvent, Session, User, VerificationCode
from accounts.services import passwords
from tests.api.malformed import BAD_VALUES, CORPUS, Malformed
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.durudex import GRAPHQL_JSON, Durudex, error, word
from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db
GRAPHS = ["/graph/query", "/graph/v1/query"]
PAGES = ["/verify-email", "/verify-email/again", "/reset-password", "/reset-password/again", "/not-me"]
SIGN_IN = f'signIn(input: {{username: "alice", password: "{PASSWORD}"}}) {{ access }}'


def stored() -> Any:
    """Everything that a request could have changed."""
    tables = (User, EmailAddress, Session, SecurityEvent, Message, VerificationCode, LoginCode)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


@pytest.fixture
def bob(api: AuthApi) -> Any:
    """The answer to bob's registration: the tokens and the profile."""
    return api.register("bob").json()


def get(path: str, query: dict[str, str], *, token: str = "") -> Any:
    """A GET with everything in its query, and a token in the header if one is given."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(raise_request_exception=False).get(f"{path}?{urlencode(query)}", headers=headers)


class TestRow54:
    """A GET changes nothing."""

    @pytest.mark.parametrize(
        "path",
        [
            "/api/auth/login/",
            "/api/auth/login/code/",
            "/api/auth/login/code/confirm/",
            "/api/auth/logout/",
            "/api/auth/password/change/",
            "/api/auth/password/reset/",
            "/api/auth/password/reset/confirm/",
            "/api/auth/registration/",
            "/api/auth/registration/resend-email/",
            "/api/auth/registration/verify-email/",
            "/api/auth/sessions/end-others/",
            "/api/auth/token/refresh/",
            "/api/auth/token/verify/",
            "/auth/register",
            "/auth/jwt/login",
            "/auth/jwt/logout",
            "/auth/cookie/login",
            "/auth/cookie/logout",
            "/auth/forgot-password",
            "/auth/reset-password",
            "/auth/request-verify-token",
            "/auth/verify",
        ],
    )
    def test_what_takes_a_body(self, api: AuthApi, alice: Any, path: str) -> None:
        api.login("alice")
        before = stored()
        query = {
            "username": "alice",
            "email": "alice@example.org",
            "password": PASSWORD,
            "old_password": PASSWORD,
            "new_password1": NEW_PASSWORD,
            "new_password2": NEW_PASSWORD,
            "refresh": alice["refresh"],
            "token": alice["access"],
        }
        assert get(path, query, token=alice["access"]).status_code == 405
        assert stored() == before

    @pytest.mark.parametrize("path", GRAPHS)
    @pytest.mark.parametrize(
        "mutation",
        [
            SIGN_IN,
            'signOut(input: {token: "REFRESH"})',
            'refreshToken(input: {token: "REFRESH"})',
            'createVerifyEmailCode(email: "alice@example.org")',
            'forgotPassword(input: {email: "alice@example.org", password: "battery-staple-7", code: 123456})',
        ],
    )
    def test_mutations(self, alice: Any, path: str, mutation: str) -> None:
        before = stored()
        mutation = mutation.replace("REFRESH", alice["refresh"])
        for query in (f"mutation {{ {mutation} }}", f"query A {{ __typename }} mutation B {{ {mutation} }}"):
            answer = get(
                path, {"query": query, "operationName": "B" if "query A" in query else ""}, token=alice["access"]
            )
            assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")
        assert stored() == before


class TestRow55:
    """No token is read from a URL, nor from a body or a cookie in place of a header."""

    NAMES = ("access_token", "token", "access", "jwt", "bearer_token", "Authorization", "authorization")

    @pytest.mark.parametrize(
        "path", ["/api/auth/user/", "/api/auth/sessions/", "/api/auth/events/", "/users/me", "/users/USER"]
    )
    def test_url(self, alice: Any, path: str) -> None:
        path = path.replace("USER", alice["user"]["pk"])
        assert get(path, {}, token=alice["access"]).status_code in (200, 403)
        for value in (alice["access"], f"Bearer {alice['access']}"):
            assert get(path, dict.fromkeys(self.NAMES, value)).status_code == 401

    @pytest.mark.parametrize("path", GRAPHS)
    def test_url_of_graphql(self, alice: Any, path: str) -> None:
        query = {"query": "{ me { id } }"}
        assert get(path, query, token=alice["access"]).json()["data"]["me"]["id"] == alice["user"]["pk"]
        for value in (alice["access"], f"Bearer {alice['access']}"):
            assert word(get(path, query | dict.fromkeys(self.NAMES, value))) == "UNAUTHORIZED"

    def test_bodies_and_cookies(self, alice: Any) -> None:
        before = stored()
        token = dict.fromkeys(self.NAMES, alice["access"])
        change = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        for body in ("json", "form", "multipart"):
            assert AuthApi(body).call("POST", "password/change/", change | token).status_code == 401
        assert FastAPIUsers().call("PATCH", "/users/me", {"password": NEW_PASSWORD} | token).status_code == 401
        cookies = "; ".join(f"{name}={value}" for name, value in token.items())
        assert AuthApi().call("GET", "user/", headers={"Cookie": cookies}).status_code == 401
        assert word(Durudex(Cookie=cookies).me(None)) == "UNAUTHORIZED"
        assert stored() == before


# Unknown charsets are handled earlier: see tests/config/test_charsets.py.
BODIES = [one for one in CORPUS if "charset" not in one.content_type]


@pytest.mark.parametrize("malformed", BODIES, ids=lambda malformed: malformed.name)
class TestRow63:
    """No body causes a failure (500). test_authapi_malformed and test_fastapi_users_malformed test the other doors."""

    @pytest.mark.parametrize("older", [False, True], ids=["newer", "older"])
    def test_graphql(self, malformed: Malformed, older: bool) -> None:
        before = stored()
        answer = Durudex(older=older).post(malformed.body, content_type=malformed.content_type)
        assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")
        assert stored() == before

    @pytest.mark.parametrize("path", [*PAGES, "/admin/login/"])
    def test_pages(self, malformed: Malformed, path: str) -> None:
        browser = Client(raise_request_exception=False)
        answer = browser.post(path, data=malformed.body, content_type=malformed.content_type)
        assert answer.status_code in (200, 400, 413)
        assert not User.objects.exists()
        assert not Session.objects.exists()


@pytest.mark.parametrize(("name", "value"), BAD_VALUES, ids=[name for name, _value in BAD_VALUES])
@pytest.mark.parametrize(
    ("field", "type", "names"),
    [
        ("signUp", "SignUpInput", ("username", "email", "password", "code")),
        ("signIn", "SignInInput", ("username", "password")),
        ("forgotPassword", "ForgotPasswordInput", ("email", "password", "code")),
        ("refreshToken", "TokenInput", ("token",)),
        ("signOut", "TokenInput", ("token",)),
    ],
)
def test_row_63_values_of_graphql(field: str, type: str, names: tuple[str, ...], name: str, value: Any) -> None:
    good = {"username": "alice", "email": "alice@example.org", "password": PASSWORD, "code": 123456, "token": "x"}
    selection = "{ access }" if field in ("signUp", "signIn") else ""
    query = f"mutation ($input: {type}!) {{ {field}(input: $input) {selection} }}"
    for bad in names:
        answer = Durudex().run(query, {"input": {one: good[one] for one in names} | {bad: value}})
        assert word(answer) in ("INVALID_ARGUMENT", "UNAUTHORIZED")
    assert not User.objects.exists()
    assert not Message.objects.exists()


class TestRow65:
    """Many tries in one request do not bypass a limit: no password is checked."""

    MANY = [
        ("/graph/query", {"query": "mutation { " + " ".join(f"a{n}: {SIGN_IN}" for n in range(100)) + " }"}),
        ("/graph/query", {"query": "mutation { " + " ".join(f"a{n}: {SIGN_IN}" for n in range(2)) + " }"}),
        ("/graph/query", [{"query": f"mutation {{ {SIGN_IN} }}"}] * 100),
        ("/graph/query", {"query": " ".join(f"mutation A{n} {{ {SIGN_IN} }}" for n in range(100))}),
        ("/api/auth/login/", [{"username": "alice", "password": PASSWORD}] * 100),
        ("/auth/jwt/login", [{"username": "alice", "password": PASSWORD}] * 100),
    ]

    @pytest.mark.parametrize(("path", "body"), MANY, ids=[f"{n} {one[0]}" for n, one in enumerate(MANY)])
    def test_many_logins_at_once(self, alice: Any, path: str, body: Any) -> None:
        before = stored()
        with patch.object(passwords, "verify", side_effect=AssertionError("a password was looked at")) as verify:
            headers = {"Accept": GRAPHQL_JSON}
            answer = Client().post(path, data=json.dumps(body), content_type="application/json", headers=headers)
        assert (answer.status_code in (400, 422), verify.call_count) == (True, 0)
        assert stored() == before

    def test_a_single_login_is_looked_at(self, api: AuthApi, alice: Any) -> None:
        for login in (api.login, FastAPIUsers().login, Durudex().login):
            with patch.object(passwords, "verify", side_effect=passwords.verify) as verify:
                assert login("alice").status_code == 200
            assert verify.call_count == 1

    @pytest.mark.parametrize("path", GRAPHS)
    def test_depth_of_50(self, path: str) -> None:
        query = "{ __schema { types { " + "ofType { " * 50 + "name" + " }" * 50 + " } } }"
        headers = {"Accept": GRAPHQL_JSON}
        body = json.dumps({"query": query})
        answer = Client().post(path, data=body, content_type="application/json", headers=headers)
        assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")


# Fields that users may not set for themselves.
ROLES = {
    "is_superuser": True,
    "is_staff": True,
    "is_active": True,
    "is_verified": True,
    "email_verified": True,
    "verified": True,
    "id": "00000000-0000-0000-0000-000000000001",
    "pk": "00000000-0000-0000-0000-000000000001",
    "groups": [1],
    "user_permissions": [1],
    "created_at": "2000-01-01T00:00:00Z",
    "email_key": "root@example.org",
    "password": "pbkdf2_sha256$1$x$x",
}


class TestRow66:
    """Users cannot read or change the data of others, or give themselves a role."""

    def test_accounts_of_others(self, alice: Any, bob: Any) -> None:
        before = stored()
        client, nobody = FastAPIUsers(), "00000000-0000-0000-0000-000000000000"
        for id in (alice["user"]["pk"], nobody):
            answers = [
                client.read(id, bob["access"]),
                client.change(id, bob["access"], email="bob@example.net", password=NEW_PASSWORD),
                client.delete(id, bob["access"]),
            ]
            assert [(answer.status_code, answer.json()) for answer in answers] == [(403, {"detail": "Forbidden"})] * 3
        assert stored() == before

    def test_sessions_and_events_of_others(self, api: AuthApi, alice: Any, bob: Any) -> None:
        session = Session.objects.get(user__username="alice")
        nobody = api.call("DELETE", "sessions/00000000-0000-0000-0000-000000000000/", token=bob["access"])
        others = api.call("DELETE", f"sessions/{session.pk}/", token=bob["access"])
        assert (others.status_code, others.json()) == (404, nobody.json())
        assert api.user(alice["access"]).status_code == 200
        for path in ("sessions/", "events/"):
            for query in ("", f"?user={alice['user']['pk']}", f"?user_id={alice['user']['pk']}"):
                listed = json.dumps(api.call("GET", path + query, token=bob["access"]).json())
                assert str(session.pk) not in listed
                assert "alice" not in listed

    def test_sign_out_of_others(self, api: AuthApi, alice: Any, bob: Any) -> None:
        before = stored()
        answer = Durudex().logout(bob["access"], alice["refresh"])
        assert (answer.status_code, error(answer)["code"]) == (200, "UNAUTHORIZED")
        assert stored() == before

    @pytest.mark.parametrize("older", [False, True], ids=["newer", "older"])
    def test_what_graphql_tells_of_others(self, alice: Any, bob: Any, older: bool) -> None:
        client, id = Durudex(older=older), alice["user"]["pk"]
        query = "query ($id: ID!) { user(id: $id) { id username ... on Me { email } } }"
        answer = client.run(query, {"id": id}, token=bob["access"]).json()
        assert answer == {"data": {"user": {"id": id, "username": "alice"}}}
        query = "query ($id: ID!) { user(id: $id) { email } }"
        assert word(client.run(query, {"id": id}, token=bob["access"])) == "INVALID_ARGUMENT"

    def test_registration(self, api: AuthApi) -> None:
        roles = {name: value for name, value in ROLES.items() if name != "password"}
        body = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
        assert api.call("POST", "registration/", body | roles).status_code == 201
        body = {"email": "ewa@example.org", "password": PASSWORD}
        assert FastAPIUsers().call("POST", "/auth/register", body | roles).status_code == 201
        for user in User.objects.with_address():
            self.has_no_role(user)
        assert set(User.objects.values_list("email_key", flat=True)) == {"eve@example.org", "ewa@example.org"}

    @pytest.mark.parametrize("name", [*sorted(set(ROLES) - {"password"}), "emailVerified", "isSuperuser"])
    def test_registration_by_graphql(self, name: str) -> None:
        query = "mutation ($input: SignUpInput!) { signUp(input: $input) { access } }"
        good = {"username": "eve", "email": "eve@example.org", "password": PASSWORD, "code": 123456}
        answer = Durudex().run(query, {"input": good | {name: True}})
        assert word(answer) == "INVALID_ARGUMENT"
        assert f"'SignUpInput' not to include unknown field '{name}'" in answer.content.decode()

    def test_changes(self, api: AuthApi, alice: Any) -> None:
        before = User.objects.values().get()
        for method in ("PUT", "PATCH"):
            assert api.call(method, "user/", ROLES | {"username": "alice"}, token=alice["access"]).status_code == 200
        roles = {name: value for name, value in ROLES.items() if name != "password"}
        assert FastAPIUsers().call("PATCH", "/users/me", roles, token=alice["access"]).status_code == 200
        assert User.objects.values().get() == before
        self.has_no_role(User.objects.with_address().get())

    def has_no_role(self, user: User) -> None:
        assert (user.is_superuser, user.is_staff, user.is_active, user.email_verified) == (False, False, True, False)
        assert str(user.pk) != ROLES["pk"]
        assert not user.groups.exists()
        assert not user.user_permissions.exists()
        assert user.password.startswith("argon2$")
