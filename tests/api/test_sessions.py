"""Sessions and tokens (contract, Tokens and sessions): grace, reuse, absolute end, listing and ending own sessions."""

import base64
import json
import uuid
from typing import Any

import jwt
import pytest
import time_machine
from django.utils import timezone

from accounts.core import clock
from accounts.models import Message, SecurityEvent, Session, SigningKey, User
from accounts.models.session import EndReason
from accounts.services import keys, links, users
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db
NOBODY = uuid.UUID(int=7)


def at(**delta: float) -> Any:
    return time_machine.travel(timezone.now() + timezone.timedelta(**delta), tick=False)


class TestGraceAndReuse:
    def test_previous_token_leads_to_the_current_one(self, api: AuthApi, alice: Any) -> None:
        current = api.refresh(alice["refresh"]).json()
        for _ in range(3):
            again = api.refresh(alice["refresh"])
            assert (again.status_code, again.json()["refresh"]) == (200, current["refresh"])
            assert api.user(again.json()["access"]).status_code == 200

    def test_a_token_whose_successor_was_never_shown(self, api: AuthApi, alice: Any) -> None:
        """The answer was lost, and the client comes back much later."""
        current = api.refresh(alice["refresh"]).json()
        with at(days=3):
            assert api.refresh(alice["refresh"]).json()["refresh"] == current["refresh"]
            assert api.refresh(current["refresh"]).status_code == 200

    def test_at_the_end_of_the_grace(self, api: AuthApi, alice: Any) -> None:
        with time_machine.travel(timezone.now(), tick=False) as clock_hand:
            second = api.refresh(alice["refresh"]).json()
            clock_hand.shift(3600)
            third = api.refresh(second["refresh"]).json()
            clock_hand.shift(30)
            assert api.refresh(alice["refresh"]).json()["refresh"] == third["refresh"]
            clock_hand.shift(0.001)
            assert api.refresh(alice["refresh"]).status_code == 401

    def test_a_successor_that_was_shown_and_stayed(self, api: AuthApi, alice: Any) -> None:
        durudex = Durudex()
        with time_machine.travel(timezone.now(), tick=False) as clock_hand:
            second = api.refresh(alice["refresh"]).json()["refresh"]
            clock_hand.shift(3600)
            assert "errors" not in durudex.refresh(second).json()
            clock_hand.shift(20)
            assert "errors" not in durudex.refresh(second).json()
            # The grace counts from the first time.
            clock_hand.shift(10)
            assert api.refresh(alice["refresh"]).json()["refresh"] == second
            clock_hand.shift(0.001)
            assert api.refresh(alice["refresh"]).status_code == 401

    def test_eight_rotations_back(self, api: AuthApi, alice: Any) -> None:
        tokens = [alice["refresh"]]
        for _ in range(9):
            tokens.append(api.refresh(tokens[-1]).json()["refresh"])
        for older in tokens[1:]:
            assert api.refresh(older).json()["refresh"] != older
        assert Session.objects.get().ended_at is None
        assert api.refresh(tokens[0]).status_code == 401
        assert Session.objects.get().end_reason == EndReason.REFRESH_TOKEN_REUSED

    def test_each_of_several_rotations_has_its_own_grace(self, api: AuthApi, alice: Any) -> None:
        tokens = [alice["refresh"]]
        with time_machine.travel(timezone.now(), tick=False) as clock_hand:
            for _ in range(4):
                tokens.append(api.refresh(tokens[-1]).json()["refresh"])
                clock_hand.shift(10)
            # The successors were used 30, 20 and 10 seconds ago, the last one never.
            assert {api.refresh(token).json()["refresh"] for token in tokens[:4]} == {tokens[4]}
            clock_hand.shift(1)
            assert {api.refresh(token).json()["refresh"] for token in tokens[1:4]} == {tokens[4]}
            assert api.refresh(tokens[0]).status_code == 401

    def test_reuse_ends_the_session(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        other = api.login("alice").json()
        letters.collect()
        second = api.refresh(alice["refresh"]).json()
        third = api.refresh(second["refresh"]).json()
        with at(seconds=31):
            reused = api.refresh(alice["refresh"])
            assert (reused.status_code, reused.json()["code"]) == (401, "token_not_valid")
            assert api.refresh(third["refresh"]).status_code == 401
            assert api.user(third["access"]).status_code == 401
            assert api.user(other["access"]).status_code == 200
            letter = letters.only()
            assert (letter.to, letter.subject) == (
                ["alice@example.org"],
                "A session of yours was ended for safety",
            )
            # Once is enough: later requests find the session ended.
            api.refresh(alice["refresh"])
            assert letters.collect() == []
        session = Session.objects.get(end_reason=EndReason.REFRESH_TOKEN_REUSED)
        kinds = SecurityEvent.objects.filter(session_id=session.pk).values_list("kind", flat=True)
        assert sorted(kinds) == ["logged_in", "refresh_token_reused", "session_ended"]

    def test_reused_token_does_not_verify_but_is_not_punished(self, api: AuthApi, alice: Any) -> None:
        second = api.refresh(alice["refresh"]).json()
        third = api.refresh(second["refresh"]).json()
        with at(seconds=31):
            assert api.verify(alice["refresh"]).status_code == 401
            assert api.verify(third["refresh"]).status_code == 200

    def test_grace_survives_a_new_secret_key(self, api: AuthApi, alice: Any, settings: Any) -> None:
        current = api.refresh(alice["refresh"]).json()
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-key-for-tests-0123456789"
        again = api.refresh(alice["refresh"])
        assert (again.status_code, again.json()["refresh"]) == (200, current["refresh"])
        third = api.refresh(current["refresh"]).json()["refresh"]
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = "a-third-secret-key-for-tests-0123456789"
        fourth = api.refresh(third).json()["refresh"]
        # One link under each of the three keys.
        assert api.refresh(alice["refresh"]).json()["refresh"] == fourth


def test_a_thousand_refreshes_add_no_row(api: AuthApi, alice: Any, rows: Any) -> None:
    before = rows()
    head = alice["refresh"]
    for _ in range(1000):
        head = api.refresh(head).json()["refresh"]
    assert rows() == before


def test_absolute_end(api: AuthApi, alice: Any) -> None:
    started = timezone.now()
    head = alice["refresh"]
    with time_machine.travel(started, tick=False) as clock_hand:
        for _ in range(29):
            clock_hand.shift(24 * 3600)
            head = api.refresh(head).json()["refresh"]
        clock_hand.shift(24 * 3600 - 10)
        last = api.refresh(head).json()
        # The last access token does not outlive the session.
        assert jwt.decode(last["access"], options={"verify_signature": False})["exp"] == int(
            Session.objects.get().expires_at.timestamp()
        )
        clock_hand.shift(11)
        assert api.refresh(last["refresh"]).status_code == 401
        assert api.user(last["access"]).status_code == 401


def test_nothing_stored_is_a_token(api: AuthApi, alice: Any) -> None:
    session = Session.objects.get()
    stored = json.dumps([str(getattr(session, field.attname)) for field in Session._meta.fields])
    token_id = jwt.decode(alice["refresh"], options={"verify_signature": False})["jti"]
    assert token_id not in stored
    assert alice["refresh"] not in stored


class TestOwnSessions:
    def test_list(self, alice: Any) -> None:
        phone = AuthApi(**{"User-Agent": "Phone/1.0\x07", "X-Forwarded-For": "203.0.113.9"})
        token = phone.login("alice").json()["access"]
        listed = phone.call("GET", "sessions/", token=token).json()["results"]
        assert [(each["is_current"], each["user_agent"], each["ip"], each["dialect"]) for each in listed] == [
            (True, "Phone/1.0", "127.0.0.1", "authapi"),
            (False, "", "127.0.0.1", "authapi"),
        ]
        assert set(listed[0]) == {
            "id",
            "dialect",
            "ip",
            "user_agent",
            "started_at",
            "last_used_at",
            "expires_at",
            "is_current",
        }

    def test_address_behind_trusted_proxies(self, alice: Any, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        phone = AuthApi(**{"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
        token = phone.login("alice").json()["access"]
        assert phone.call("GET", "sessions/", token=token).json()["results"][0]["ip"] == "203.0.113.9"

    def test_end_one(self, api: AuthApi, alice: Any) -> None:
        other = api.login("alice").json()
        id = jwt.decode(other["access"], options={"verify_signature": False})["sid"]
        ended = api.call("DELETE", f"sessions/{id}/", token=alice["access"])
        assert (ended.status_code, ended.content) == (204, b"")
        assert api.user(other["access"]).status_code == 401
        assert api.user(alice["access"]).status_code == 200
        again = api.call("DELETE", f"sessions/{id}/", token=alice["access"])
        assert (again.status_code, again.json()) == (404, {"detail": "No such session.", "code": "session_not_found"})

    def test_somebody_elses(self, api: AuthApi, alice: Any) -> None:
        bob = api.register("bob").json()
        id = jwt.decode(bob["access"], options={"verify_signature": False})["sid"]
        for wanted in (id, str(NOBODY)):
            answer = api.call("DELETE", f"sessions/{wanted}/", token=alice["access"])
            assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
        assert api.user(bob["access"]).status_code == 200

    def test_end_others(self, api: AuthApi, alice: Any) -> None:
        bob = api.register("bob").json()
        others = [api.login("alice").json()["access"] for _ in range(3)]
        answer = api.call("POST", "sessions/end-others/", token=alice["access"])
        assert (answer.status_code, answer.json()) == (200, {"ended": 3})
        assert [api.user(token).status_code for token in others] == [401, 401, 401]
        assert api.user(alice["access"]).status_code == 200
        assert api.user(bob["access"]).status_code == 200
        assert api.call("POST", "sessions/end-others/", token=alice["access"]).json() == {"ended": 0}

    def test_events(self, api: AuthApi, alice: Any) -> None:
        api.login("alice", "wrong-horse-9")
        api.register("bob")
        events = api.call("GET", "events/", token=alice["access"]).json()["results"]
        assert [each["kind"] for each in events] == ["login_failed", "logged_in", "registered"]
        assert api.call("GET", "events/").status_code == 401

    def test_pages(self, api: AuthApi, alice: Any) -> None:
        for _ in range(60):
            api.refresh("x")
        user = User.objects.get()
        now = clock.now()
        SecurityEvent.objects.bulk_create(
            SecurityEvent(kind="logged_in", at=now, user=user, dialect="authapi") for _ in range(120)
        )
        seen, url = [], "/api/auth/events/"
        while url:
            page = api.send("GET", url, headers={"Authorization": f"Bearer {alice['access']}"}).json()
            seen += page["results"]
            url = (page["next"] or "").replace("http://testserver", "")
        assert len(seen) == 122


def forge(claims: dict[str, Any], *, key: Any = None, headers: dict[str, Any] | None = None, **options: Any) -> str:
    kid, private = keys.signing_key()
    return jwt.encode(
        claims, key or private, algorithm=options.get("algorithm", "EdDSA"), headers={"kid": kid, **(headers or {})}
    )


class TestForgedTokens:
    @pytest.fixture
    def claims(self, alice: Any) -> dict[str, Any]:
        return jwt.decode(alice["access"], options={"verify_signature": False})

    def assert_refused(self, api: AuthApi, token: str, rows: Any) -> None:
        before = rows()
        for answer in (api.user(token), api.verify(token), api.refresh(token), api.logout(token)):
            assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
        assert rows() == before

    def test_good_one_passes(self, api: AuthApi, claims: Any) -> None:
        assert api.user(forge(claims)).status_code == 200

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "http://other.test"},
            {"aud": "others"},
            {"exp": None},
            {"exp": "soon"},
            {"exp": 1e300},
            {"exp": 1},
            {"iat": None},
            {"iat": "x"},
            {"iat": 9999999999},
            {"nbf": 9999999999},
            {"sub": None},
            {"sub": 7},
            {"sub": "not-a-uuid"},
            {"sub": ["x"]},
            {"sub": "a\x00b"},
            {"sid": None},
            {"sid": 7},
            {"sid": {"a": 1}},
            {"sid": str(NOBODY)},
            {"sub": str(NOBODY)},
            {"jti": None},
            {"jti": 7},
            {"aud": None},
            {"iss": None},
            {"token_type": "other"},
            {"token_type": None},
            {"token_type": 7},
            {"token_type": ["access"]},
        ],
        ids=str,
    )
    def test_claims(self, api: AuthApi, claims: Any, rows: Any, change: dict[str, Any]) -> None:
        changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
        self.assert_refused(api, forge(changed), rows)

    @pytest.mark.parametrize(
        "headers",
        [
            {"kid": "unknown"},
            {"kid": None},
            {"crit": ["x"], "x": 1},
            {"jku": "http://127.0.0.1/"},
            {"jwk": {}},
            {"x5u": "x"},
        ],
        ids=str,
    )
    def test_headers(self, api: AuthApi, claims: Any, rows: Any, headers: dict[str, Any]) -> None:
        private = keys.signing_key()[1]
        kid = keys.signing_key()[0]
        header = {name: value for name, value in {"alg": "EdDSA", "kid": kid, **headers}.items() if value is not None}
        encode = lambda part: base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")  # noqa: E731
        signed = encode(header) + b"." + encode(claims)
        signature = base64.urlsafe_b64encode(private.sign(signed)).rstrip(b"=")
        self.assert_refused(api, (signed + b"." + signature).decode(), rows)

    def test_other_algorithms(self, api: AuthApi, claims: Any, rows: Any) -> None:
        public = SigningKey.objects.get().public_key
        self.assert_refused(
            api, jwt.encode(claims, None, algorithm="none", headers={"kid": keys.signing_key()[0]}), rows
        )
        self.assert_refused(api, forge(claims, key=public * 2, algorithm="HS256"), rows)

    def test_foreign_key(self, api: AuthApi, claims: Any, rows: Any) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.assert_refused(api, forge(claims, key=Ed25519PrivateKey.generate()), rows)

    def test_mutilated(self, api: AuthApi, alice: Any, rows: Any) -> None:
        token = alice["access"]
        for bad in (
            token[:-1] + "!",
            token[:40],
            token + ".x",
            token.rsplit(".", 1)[0],
            "x" * 1_000_000,
            "токен",
            "..",
            ".",
        ):
            before = rows()
            assert api.verify(bad).json()["code"] == "token_not_valid"
            assert api.refresh(bad).json()["code"] == "token_not_valid"
            if bad.isascii():
                assert api.user(bad).json()["code"] == "token_not_valid"
            assert rows() == before

    def test_reset_and_verification_secrets_are_no_tokens(self, api: AuthApi, alice: Any, rows: Any) -> None:

        user = users.find("alice")
        assert user is not None
        self.assert_refused(api, links.verification_key(user), rows)
        self.assert_refused(api, links.reset_token(user), rows)

    def test_deactivated_user(self, api: AuthApi, alice: Any, rows: Any) -> None:
        User.objects.update(is_active=False)
        self.assert_refused(api, alice["access"], rows)
        assert api.refresh(alice["refresh"]).status_code == 401
        assert Message.objects.count() == 1
