"""The length of a text is checked before anything else (OWASP ASVS 5.0, 15.2.2; CWE-407).

NFKC takes time that grows with the square of a run of combining marks: 48 kB of them blocked a worker for 1.3 s.
"""

import io
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.core.errors import AccountError
from accounts.services import links, names, passwords, users
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db
MARKS = "a" + "\u0301" * 12000 + "\u0327" * 12000
ADDRESS = MARKS + "@example.org"
LONGEST_EVER = passwords.LONGEST_PASSWORD + 1


@pytest.fixture(autouse=True)
def normalised(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The lengths of all texts that were normalised in a test. None may be longer than the longest password."""
    lengths: list[int] = []
    normalize = unicodedata.normalize

    def measured(form: Any, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", measured)
    yield lengths
    assert max(lengths, default=0) <= LONGEST_EVER


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("login/", {"username": MARKS, "password": "x"}),
        ("login/", {"email": ADDRESS, "password": "x"}),
        ("login/", {"username": "alice", "password": MARKS}),
        ("login/code/", {"email": ADDRESS}),
        ("login/code/confirm/", {"email": ADDRESS, "code": "000000"}),
        ("login/code/confirm/", {"email": "a@example.org", "code": MARKS}),
        ("registration/", {"username": MARKS, "email": "a@example.org", "password1": PASSWORD, "password2": PASSWORD}),
        ("registration/", {"username": "bob", "email": ADDRESS, "password1": PASSWORD, "password2": PASSWORD}),
        ("registration/", {"username": "bob", "email": "b@example.org", "password1": MARKS, "password2": MARKS}),
        ("registration/resend-email/", {"email": ADDRESS}),
        ("registration/verify-email/", {"key": MARKS}),
        ("password/reset/", {"email": ADDRESS}),
        (
            "password/reset/confirm/",
            {"uid": MARKS, "token": MARKS, "new_password1": PASSWORD, "new_password2": PASSWORD},
        ),
    ],
)
def test_authapi(api: AuthApi, rows: Any, path: str, body: dict[str, str]) -> None:
    before = rows()
    answer = api.call("POST", path, body)
    assert answer.status_code == 400
    # A refused login is recorded, and a refused code.
    is_refusal = path == "login/" or body.get("code") == MARKS
    assert rows() == before | {"SecurityEvent": before["SecurityEvent"] + is_refusal}


@pytest.mark.parametrize(("path", "field"), [("token/refresh/", "refresh"), ("token/verify/", "token")])
def test_authapi_tokens(api: AuthApi, rows: Any, path: str, field: str) -> None:
    before = rows()
    assert api.call("POST", path, {field: MARKS}).status_code == 401
    assert rows() == before


def test_authapi_profile(api: AuthApi, alice: Any) -> None:
    for change in ({"username": MARKS}, {"avatar_url": f"https://example.org/{MARKS}"}):
        assert api.call("PATCH", "user/", change, token=alice["access"]).status_code == 400
    assert api.change_password(alice["access"], PASSWORD, MARKS).status_code == 400
    assert api.user(alice["access"]).json()["username"] == "alice"


def test_fastapi_users(alice: Any, rows: Any) -> None:
    client = FastAPIUsers()
    before = rows()
    answers = [
        client.register(ADDRESS),
        client.forgot_password(ADDRESS),
        client.request_verify_token(ADDRESS),
        client.change_me(alice["access"], email=ADDRESS),
        client.verify(MARKS),
        client.reset_password(MARKS, PASSWORD),
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 400, 400]
    assert rows() == before
    assert client.login(ADDRESS).status_code == 400
    # A refused login is recorded.
    assert rows() == before | {"SecurityEvent": before["SecurityEvent"] + 1}


def test_durudex(rows: Any) -> None:
    client = Durudex()
    before = rows()
    made = client.run("mutation($e:String!){createVerifyEmailCode(email:$e)}", {"e": ADDRESS})
    assert made.json()["errors"][0]["extensions"]["code"] == "INVALID_ARGUMENT"
    for query in (
        'mutation($t:String!){signIn(input:{username:$t,password:"x"}){access}}',
        'mutation($t:String!){forgotPassword(input:{email:$t,password:"correct-horse-9",code:"123456"})}',
        'mutation($t:String!){signUp(input:{username:$t,email:$t,password:"correct-horse-9",code:"1"}){access}}',
        "mutation($t:String!){refreshToken(input:{token:$t})}",
    ):
        answer = client.run(query, {"t": MARKS}).json()
        assert answer["errors"][0]["extensions"]["code"] in ("INVALID_ARGUMENT", "UNAUTHORIZED")
    # A refused login is recorded.
    assert {name: count - before[name] for name, count in rows().items() if count != before[name]} == {
        "SecurityEvent": 1
    }


def test_pages(rows: Any) -> None:
    before = rows()
    browser = Client()
    for path in ("/verify-email", "/not-me", "/reset-password"):
        body = {"key": MARKS, "token": MARKS, "password1": PASSWORD, "password2": PASSWORD}
        assert browser.post(path, body).status_code == 400
    for path in ("/verify-email/again", "/reset-password/again"):
        assert browser.post(path, {"email": ADDRESS}).status_code == 200
    # A request for a mail to an unknown address costs an event, and a message that is thrown away.
    assert {name: count - before[name] for name, count in rows().items() if count != before[name]} == {
        "SecurityEvent": 2,
        "Message": 2,
    }


def test_admin() -> None:
    answer = Client().post("/admin/login/", {"username": MARKS, "password": PASSWORD})
    assert (answer.status_code, "user" in answer.wsgi_request.session) == (200, False)


def test_commands() -> None:
    for command in (["end_sessions", "--user", MARKS], ["changepassword", MARKS]):
        with pytest.raises(CommandError, match="There is no user"):
            call_command(*command, stdout=io.StringIO())


def test_core_refuses_by_length_alone() -> None:
    for check in (names.clean_username, names.clean_email, names.clean_avatar_url):
        with pytest.raises(AccountError):
            check(MARKS)
    assert users.find(MARKS, ADDRESS) is None
    assert users.find_by_email(ADDRESS) is None
    assert users.find_by_id(MARKS) is None
    assert users.find_by_uid(MARKS) is None
    assert names.username_from(ADDRESS) != ""
    assert links.spend_key(MARKS) is None
    assert links.spend_notice_key(MARKS, password="!") is None
