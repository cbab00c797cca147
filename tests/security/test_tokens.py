"""Rows 41, 42, 47, 56, 57, 59, 60, 61 and 62 of the security list, at the doors of all three dialects."""

import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.signing import b64_decode
from django.test import Client

from accounts.core import clock
from accounts.models import Session, SigningKey, User
from accounts.services import keys, links, sessions
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, word
from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db


def assert_is_refused(token: str) -> None:
    """No door accepts it as an access token or as a refresh token."""
    for answer in (AuthApi().user(token), AuthApi().verify(token), AuthApi().refresh(token), AuthApi().logout(token)):
        assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    client = FastAPIUsers()
    answers = [
        client.me(token),
        client.me(cookie=token),
        client.change_me(token, password="battery-staple-7"),
        client.logout(token),
        client.delete(str(uuid.UUID(int=7)), token),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, {"detail": "Unauthorized"})] * 5
    for durudex in (Durudex(), Durudex(older=True)):
        assert [word(durudex.me(token)), word(durudex.refresh(token)), word(durudex.logout(token, token))] == [
            "UNAUTHORIZED"
        ] * 3


@pytest.fixture
def claims(alice: Any) -> dict[str, Any]:
    return jwt.decode(alice["access"], options={"verify_signature": False})


def signed(claims: dict[str, Any], **headers: Any) -> str:
    kid, private = keys.signing_key()
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": kid} | headers)


def test_a_good_one_is_not_refused(claims: Any) -> None:
    """A valid token is accepted, so the changes in this module cause the refusals."""
    token = signed(claims)
    assert AuthApi().user(token).status_code == 200
    assert FastAPIUsers().me(token).status_code == 200
    assert "errors" not in Durudex().me(token).json()


class TestForged:
    @pytest.fixture(autouse=True)
    def _unchanged(self, alice: Any, rows: Any) -> Any:
        before, session = rows(), Session.objects.values().get()
        yield
        assert (rows(), Session.objects.values().get()) == (before, session)

    def test_row_56_other_algorithms(self, claims: Any) -> None:
        kid, public = keys.signing_key()[0], SigningKey.objects.get().public_key
        assert_is_refused(jwt.encode(claims, None, algorithm="none", headers={"kid": kid}))
        for algorithm in ("HS256", "HS384", "HS512"):
            assert_is_refused(jwt.encode(claims, public * 4, algorithm=algorithm, headers={"kid": kid}))
        assert_is_refused(jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": kid}))

    def test_row_57_keys_in_headers(self, claims: Any) -> None:
        own = Ed25519PrivateKey.generate()
        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key(), as_dict=True)
        for headers in ({"jwk": jwk}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"kid": "../x"}):
            kid = {"kid": keys.signing_key()[0]}
            assert_is_refused(jwt.encode(claims, own, algorithm="EdDSA", headers=kid | headers))
        assert_is_refused(signed(claims, crit=["x"], x=1))

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"exp": None}, id="row 59, no end"),
            pytest.param({"exp": 1}, id="row 59, past"),
            pytest.param({"nbf": 9999999999}, id="row 59, not yet"),
            pytest.param({"iat": 9999999999}, id="row 59, from the future"),
            pytest.param({"iss": "http://other.test"}, id="row 61, issuer"),
            pytest.param({"aud": "others"}, id="row 61, audience"),
            pytest.param({"sub": "abc"}, id="row 62, no id"),
            pytest.param({"sub": ["x"]}, id="row 62, a list"),
            pytest.param({"sub": "a\0b"}, id="row 62, NUL"),
            pytest.param({"sid": {"a": 1}}, id="row 62, an object"),
            pytest.param({"exp": "soon"}, id="row 62, a word for a time"),
            pytest.param({"exp": 1e18}, id="row 62, a time out of range"),
            pytest.param({"exp": 1e300}, id="row 62, a time out of every range"),
        ],
    )
    def test_rows_59_61_and_62_claims(self, claims: Any, change: dict[str, Any]) -> None:
        changed = {name: value for name, value in (claims | change).items() if value is not None}
        assert_is_refused(signed(changed))

    def test_row_60_mailed_keys(self, alice: Any) -> None:
        user = User.objects.with_address().get()
        for key in (links.verification_key(user), links.reset_token(user), links.notice_key(user, user.email)):
            assert_is_refused(key)


def test_row_60_kinds_of_tokens(alice: Any, rows: Any) -> None:
    before = rows()
    refresh, access = alice["refresh"], alice["access"]
    assert [AuthApi().user(refresh).status_code, AuthApi().refresh(access).status_code] == [401, 401]
    assert [FastAPIUsers().me(refresh).status_code, FastAPIUsers().me(cookie=refresh).status_code] == [401, 401]
    for client in (Durudex(), Durudex(older=True)):
        assert [word(client.me(refresh)), word(client.refresh(access))] == ["UNAUTHORIZED"] * 2
    assert rows() == before


@pytest.mark.parametrize("ending", ["deactivated", "deleted"])
def test_row_47_who_is_gone_is_out_at_every_door(api: AuthApi, ending: str) -> None:
    api.register("alice")
    tokens = [api.login("alice").json(), Durudex().login("alice").json()["data"]["signIn"]]
    bearers = [FastAPIUsers().token("alice@example.org"), *(pair["access"] for pair in tokens)]
    if ending == "deactivated":
        User.objects.update(is_active=False)
    else:
        User.objects.all().delete()
    for token in bearers:
        assert_is_refused(token)
    for pair in tokens:
        assert api.refresh(pair["refresh"]).status_code == 401
        assert api.verify(pair["refresh"]).status_code == 401
        assert word(Durudex().refresh(pair["refresh"])) == "UNAUTHORIZED"


def test_row_41_no_token_is_made_twice(alice: Any) -> None:
    session = Session.objects.select_related("user").get()
    session.user = User.objects.with_address().get()
    made = [sessions.tokens(session, str(uuid.uuid4()), now=clock.now()) for _ in range(1000)]
    ids = {jwt.decode(pair.access, options={"verify_signature": False})["jti"] for pair in made}
    assert len(ids) == 1000
    # 128 random bits each.
    assert {len(b64_decode(id.encode())) for id in ids} == {16}


def test_row_42_each_login_is_a_session_of_its_own(alice: Any) -> None:
    logins = [
        AuthApi().login("alice").json()["access"],
        FastAPIUsers().token("alice@example.org"),
        FastAPIUsers().cookie_login("alice@example.org").cookies["fastapiusersauth"].value,
        Durudex().login("alice").json()["data"]["signIn"]["access"],
    ]
    ids = {jwt.decode(token, options={"verify_signature": False})["sid"] for token in logins}
    assert len(ids | {str(session.pk) for session in Session.objects.all()}) == 5
    assert len(ids) == 4


def test_row_42_a_cookie_from_before_the_login_is_worth_nothing(alice: Any) -> None:
    User.objects.update(is_staff=True)
    planted = "0123456789abcdef0123456789abcdef"
    browser = Client()
    browser.cookies["sessionid"] = planted
    answer = browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert (browser.get("/admin/").status_code, thief.get("/admin/").status_code) == (200, 302)
