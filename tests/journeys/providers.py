"""Logging in with another provider: one text for both dialects, and for every provider that can be asked here."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import Session, User
from accounts.services.providers import oidc
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.provider import CLIENT_ID, Browser
from tests.second_factors import enrol

OURS = "https://app.example.org/callback"
VERIFIER = "v" * 43


class Provider(Protocol):
    """Where X logs in with the address X@example.org, which it has verified of everybody but mallory."""

    @property
    def authorization_endpoint(self) -> str: ...
    def send_back(self, url: str, person: str) -> dict[str, str]:
        """The query that `person` comes back with who logs in at `url`."""

    def change_keys(self) -> None: ...
    def stop(self) -> None: ...


class FastAPIUsersSkin:
    taken = (400, "OAUTH_USER_ALREADY_EXISTS")
    away = (503, "OAUTH_PROVIDER_UNAVAILABLE")

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def come_back(self, person: str) -> Callable[[], Any]:
        """Sends `person` to the provider and back; what is returned finishes the login."""
        browser = Browser()
        url, _state = browser.begin()
        query = self.provider.send_back(url, person)
        return lambda: browser.get("/auth/acme/callback", query)

    def log_in(self, person: str) -> Any:
        return self.come_back(person)()

    def connect(self, access: str, person: str) -> Any:
        browser = Browser()
        url, _state = browser.begin("/auth/associate/acme", token=access)
        query = self.provider.send_back(url, person)
        return browser.get("/auth/associate/acme/callback", query, token=access)

    def token(self, answer: Any) -> str:
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    def refusal(self, answer: Any) -> tuple[int, str]:
        return answer.status_code, answer.json()["detail"]

    def show_factor(self, answer: Any, code: str) -> Any:
        detail = answer.json()["detail"]
        assert (answer.status_code, detail["code"]) == (403, "MFA_REQUIRED")
        return FastAPIUsers().call("POST", "/auth/jwt/mfa", {"challenge": detail["challenge"], "code": code})


class AuthApiSkin:
    """An application that asks the provider itself and hands over the code (dj-rest-auth's social login)."""

    taken = (400, "provider_user_exists")
    away = (503, "provider_unavailable")

    def __init__(self, provider: Provider) -> None:
        self.provider, self.client = provider, AuthApi()

    def come_back(self, person: str) -> Callable[[], Any]:
        """Sends `person` to the provider and back; what is returned finishes the login."""
        body = self._body(person)
        return lambda: self.client.call("POST", "social/acme/", body)

    def log_in(self, person: str) -> Any:
        return self.come_back(person)()

    def connect(self, access: str, person: str) -> Any:
        return self.client.call("POST", "social/acme/connect/", self._body(person), token=access)

    def token(self, answer: Any) -> str:
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access"])

    def refusal(self, answer: Any) -> tuple[int, str]:
        return answer.status_code, answer.json()["code"]

    def show_factor(self, answer: Any, code: str) -> Any:
        assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")
        return self.client.call("POST", "mfa/verify/", {"challenge": answer.json()["challenge"], "code": code})

    def _body(self, person: str) -> dict[str, str]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": OURS,
            "scope": "openid email",
            "state": "of-the-application",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        url = f"{self.provider.authorization_endpoint}?{urlencode(query)}"
        code = self.provider.send_back(url, person)["code"]
        return {"code": code, "code_verifier": VERIFIER, "redirect_uri": OURS}


SKINS = [FastAPIUsersSkin, AuthApiSkin]


def address(access: str) -> tuple[str, bool]:
    """Of whom the token is: the address, and whether it is verified."""
    user = FastAPIUsers().me(access).json()
    return user["email"], user["is_verified"]


def connected(access: str) -> list[dict[str, Any]]:
    return list(AuthApi().call("GET", "socialaccounts/", token=access).json())


class Journeys:
    """To be subclassed, with a fixture `provider` that answers a Provider."""

    @pytest.fixture(params=SKINS, ids=["fastapi-users", "authapi"])
    def skin(self, request: Any, provider: Provider) -> Any:
        return request.param(provider)

    @pytest.fixture
    def other(self, skin: Any, provider: Provider) -> Any:
        """The other dialect's."""
        return next(each for each in SKINS if not isinstance(skin, each))(provider)

    def test_first_and_later_logins(self, skin: Any, other: Any) -> None:
        first = skin.token(skin.log_in("alice"))
        assert address(first) == ("alice@example.org", True)
        assert address(skin.token(skin.log_in("alice"))) == address(other.token(other.log_in("alice")))
        assert (User.objects.count(), Session.objects.count(), SocialAccount.objects.count()) == (1, 3, 1)
        assert {session.amr for session in Session.objects.all()} == {"provider"}

    def test_connected_and_disconnected(self, skin: Any, other: Any, api: AuthApi) -> None:
        mine = api.register("bob").json()["access"]
        assert skin.connect(mine, "alice").status_code == 200
        assert address(other.token(other.log_in("alice"))) == ("bob@example.org", False)
        (row,) = connected(mine)
        assert api.call("POST", f"socialaccounts/{row['id']}/disconnect/", {}, token=mine).status_code == 200
        assert connected(mine) == []
        # Who logs in there now is somebody else here.
        assert address(skin.token(skin.log_in("alice"))) == ("alice@example.org", True)
        assert User.objects.count() == 2

    def test_second_factor(self, skin: Any) -> None:
        authenticator = enrol(skin.token(skin.log_in("alice")))
        answer = skin.show_factor(skin.log_in("alice"), authenticator.next())
        assert address(skin.token(answer)) == ("alice@example.org", True)
        assert Session.objects.latest("started_at").amr == "provider totp"

    def test_an_account_that_is_here_already(self, skin: Any, api: AuthApi) -> None:
        api.register("alice")
        User.objects.get().emailaddress_set.update(verified=True)
        assert address(skin.token(skin.log_in("alice"))) == ("alice@example.org", True)
        assert SocialAccount.objects.get().user == User.objects.get()
        assert api.login("alice", PASSWORD).status_code == 200

    def test_an_address_that_nobody_has_proved_joins_no_account(self, skin: Any, api: AuthApi) -> None:
        api.register("mallory")
        User.objects.get().emailaddress_set.update(verified=True)
        assert skin.refusal(skin.log_in("mallory")) == skin.taken
        assert (User.objects.count(), Session.objects.count(), SocialAccount.objects.count()) == (1, 1, 0)

    def test_the_provider_signs_with_another_key(
        self, skin: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As if the keys had been fetched half a minute ago.
        monkeypatch.setattr(oidc, "FETCHED_AGAIN_SECONDS", 0)
        skin.token(skin.log_in("alice"))
        provider.change_keys()
        assert address(skin.token(skin.log_in("alice"))) == ("alice@example.org", True)

    def test_the_provider_is_away(self, skin: Any, provider: Provider, api: AuthApi) -> None:
        finish = skin.come_back("alice")
        provider.stop()
        assert skin.refusal(finish()) == skin.away
        assert User.objects.count() == 0
        assert api.register("bob").status_code == 201


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
