"""Logging in with another provider, over the wires of FastAPI Users and dj-rest-auth."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.core import clock
from accounts.models import Session, User
from accounts.services.providers import oidc
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.provider import ALICE, Browser, Issuer, issuer
from tests.second_factors import enrol

pytestmark = pytest.mark.django_db
OURS = "https://app.example.org/callback"
VERIFIER = "v" * 43


@pytest.fixture
def acme(settings: Any) -> Iterator[Issuer]:
    oidc.forget()
    settings.SOCIAL_REDIRECT_URLS = [OURS, "com.example.app:/callback"]
    with issuer() as here:
        settings.SOCIAL_PROVIDERS = [here.entry()]
        yield here


class TestFastAPIUsers:
    def test_the_request(self, acme: Issuer) -> None:
        browser = Browser()
        answer = browser.get("/auth/acme/authorize", {"scopes": "calendar"})
        assert list(answer.json()) == ["authorization_url"]
        url = urlsplit(answer.json()["authorization_url"])
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        assert f"{url.scheme}://{url.netloc}{url.path}" == f"{acme.url}/authorize"
        assert {name: query[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
            "response_type": "code",
            "client_id": "our-client",
            "redirect_uri": "http://127.0.0.1:8000/auth/acme/callback",
            "scope": "openid email calendar",
        }
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == 43
        assert len(query["nonce"]) == 43
        cookie = answer.cookies["fastapiusersoauthcsrf"]
        flags = {name: cookie[name] for name in ("httponly", "secure", "samesite", "path", "max-age")}
        assert flags == {"httponly": True, "secure": True, "samesite": "lax", "path": "/", "max-age": 600}

    def test_a_cookie(self, acme: Issuer) -> None:
        answer = Browser().log_in(acme, "/auth/cookie/acme")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.cookies["fastapiusersauth"]["max-age"] == 3600
        assert Session.objects.get().kind == "browser"
        assert FastAPIUsers().me(cookie=answer.cookies["fastapiusersauth"].value).json()["is_verified"]

    def test_an_application_of_ours(self, acme: Issuer) -> None:
        browser = Browser()
        url = browser.get("/auth/acme/authorize", {"redirect_uri": OURS}).json()["authorization_url"]
        query = parse_qs(urlsplit(url).query)
        assert query["redirect_uri"] == [OURS]
        assert browser.come_back(acme.code_for(url, **ALICE), query["state"][0]).status_code == 200

    @pytest.mark.parametrize("uri", [OURS + "/", OURS + "?x=1", "https://evil.example", "javascript:alert(1)"])
    def test_anywhere_else(self, acme: Issuer, uri: str) -> None:
        answer = Browser().get("/auth/acme/authorize", {"redirect_uri": uri})
        assert (answer.status_code, answer.json()) == (400, {"detail": "OAUTH_PROVIDER_REFUSED"})

    def test_an_address_that_is_taken(self, acme: Issuer, alice: Any) -> None:
        acme.lies = {"email_verified": False}
        answer = Browser().log_in(acme)
        assert (answer.status_code, answer.json()) == (400, {"detail": "OAUTH_USER_ALREADY_EXISTS"})
        assert not SocialAccount.objects.exists()

    def test_no_address(self, acme: Issuer) -> None:
        acme.lies = {"email": None}
        answer = Browser().log_in(acme)
        assert (answer.status_code, answer.json()) == (400, {"detail": "OAUTH_NOT_AVAILABLE_EMAIL"})
        assert not User.objects.exists()

    def test_the_second_factor(self, acme: Issuer) -> None:
        authenticator = enrol(Browser().log_in(acme).json()["access_token"])
        answer = Browser().log_in(acme)
        assert (answer.status_code, answer.json()["detail"]["code"]) == (403, "MFA_REQUIRED")
        body = {"challenge": answer.json()["detail"]["challenge"], "code": authenticator.next()}
        assert FastAPIUsers().call("POST", "/auth/jwt/mfa", body).status_code == 200
        assert Session.objects.latest("started_at").amr == "provider totp"

    def test_associating(self, acme: Issuer, alice: Any) -> None:
        token, browser = FastAPIUsers().token("alice@example.org"), Browser()
        url, state = browser.begin("/auth/associate/acme", token=token)
        code = acme.code_for(url, sub="x1", email="elsewhere@example.org")
        answer = browser.come_back(code, state, "/auth/associate/acme", token=token)
        assert (answer.status_code, answer.json()["email"]) == (200, "alice@example.org")
        assert Browser().log_in(acme, sub="x1").status_code == 200
        assert User.objects.count() == 1

    def test_associating_what_another_user_began(self, acme: Issuer, alice: Any, api: AuthApi) -> None:
        """An attacker's state in a victim's browser would connect the attacker's login to the victim's account."""
        api.register("bob")
        browser, token = Browser(), FastAPIUsers().token("alice@example.org")
        url, state = browser.begin("/auth/associate/acme", token=FastAPIUsers().token("bob@example.org"))
        asked = list(acme.asked)
        answer = browser.come_back(acme.code_for(url, sub="x1"), state, "/auth/associate/acme", token=token)
        assert (answer.status_code, answer.json()) == (400, {"detail": "OAUTH_INVALID_STATE"})
        # The state of a login cannot connect a provider, and the other way round.
        url, state = browser.begin()
        answer = browser.come_back(acme.code_for(url, sub="x1"), state, "/auth/associate/acme", token=token)
        assert answer.json() == {"detail": "OAUTH_INVALID_STATE"}
        url, state = browser.begin("/auth/associate/acme", token=token)
        assert browser.come_back(acme.code_for(url, sub="x1"), state).json() == {"detail": "OAUTH_INVALID_STATE"}
        assert acme.asked == asked
        assert not SocialAccount.objects.exists()

    def test_associating_without_a_session(self, acme: Issuer) -> None:
        for path in ("authorize", "callback"):
            assert Browser().get(f"/auth/associate/acme/{path}").status_code == 401

    def test_apples_way_back(self, acme: Issuer, settings: Any) -> None:
        """Apple posts. The browser is redirected with a GET, which has the cookie."""
        browser = Browser()
        url, state = browser.begin()
        body = {"code": acme.code_for(url, **ALICE), "state": state, "user": "{}"}
        form = "application/x-www-form-urlencoded"
        answer = browser.http.post("/auth/acme/callback", urlencode(body), content_type=form)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/auth/acme/callback?{urlencode({'code': body['code'], 'state': state})}"
        assert browser.http.get(answer.headers["Location"]).status_code == 200


class TestAuthApi:
    def test_what_is_offered(self, acme: Issuer, api: AuthApi, settings: Any) -> None:
        url = "http://127.0.0.1:8000/auth/acme/authorize"
        assert api.call("GET", "social/").json() == [{"id": "acme", "name": "Acme", "authorize_url": url}]
        settings.SOCIAL_PROVIDERS = []
        assert api.call("GET", "social/").json() == []

    @pytest.mark.parametrize("body", ["json", "form", "multipart"])
    def test_a_code(self, acme: Issuer, body: str) -> None:
        answer = AuthApi(body=body).call("POST", "social/acme/", self.with_code(acme))
        assert (answer.status_code, list(answer.json())) == (200, ["access", "refresh", "user"])
        assert answer.json()["user"]["email"] == "alice@example.org"

    def test_an_id_token(self, acme: Issuer, api: AuthApi) -> None:
        token = acme.id_token(nonce="n1", **ALICE)
        answer = api.call("POST", "social/acme/", {"id_token": token, "nonce": "n1"})
        assert answer.status_code == 200, answer.content
        assert self.refused(api, {"id_token": token}) == "provider_refused"
        assert self.refused(api, {"id_token": token, "nonce": "n2"}) == "provider_refused"
        assert api.call("POST", "social/acme/", {"id_token": acme.id_token(**ALICE)}).status_code == 200

    def test_an_id_token_of_another_application_of_ours(self, acme: Issuer, api: AuthApi, settings: Any) -> None:
        body = {"id_token": acme.id_token(**{**ALICE, "aud": "our-phone"})}
        assert self.refused(api, body) == "provider_refused"
        settings.SOCIAL_PROVIDERS = [acme.entry(audiences=["our-phone"])]
        assert api.call("POST", "social/acme/", body).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"code": ""}, "non_field_errors"),
            ({"code": None}, "non_field_errors"),
            ({"id_token": "x"}, "non_field_errors"),
            ({"code_verifier": None}, "code_verifier"),
            ({"code_verifier": "short"}, "code_verifier"),
            ({"redirect_uri": None}, "redirect_uri"),
            ({"redirect_uri": "https://evil.example"}, "redirect_uri"),
            ({"code": "x" * 30_000}, "non_field_errors"),
            ({"code": None, "access_token": "x"}, "access_token"),
        ],
    )
    def test_bodies(self, acme: Issuer, api: AuthApi, changes: dict[str, Any], field: str) -> None:
        body = {name: value for name, value in (self.with_code(acme) | changes).items() if value is not None}
        asked = list(acme.asked)
        answer = api.call("POST", "social/acme/", body)
        assert (answer.status_code, list(answer.json())) == (400, [field])
        assert (acme.asked, User.objects.count()) == (asked, 0)

    def test_a_code_works_once(self, acme: Issuer, api: AuthApi) -> None:
        body = self.with_code(acme)
        assert api.call("POST", "social/acme/", body).status_code == 200
        assert self.refused(api, body) == "provider_refused"
        assert Session.objects.count() == 1

    def test_unknown(self, acme: Issuer, api: AuthApi) -> None:
        answer = api.call("POST", "social/other/", self.with_code(acme))
        assert (answer.status_code, answer.json()["code"]) == (404, "provider_not_found")

    def test_connecting_and_disconnecting(self, acme: Issuer, api: AuthApi, alice: Any) -> None:
        token = alice["access"]
        connected = api.call("POST", "social/acme/connect/", self.with_code(acme), token=token)
        assert connected.json() == {"detail": "The provider is connected."}
        (row,) = api.call("GET", "socialaccounts/", token=token).json()
        assert (row["provider"], row["uid"]) == ("acme", "a1")
        gone = api.call("POST", f"socialaccounts/{row['id']}/disconnect/", {}, token=token)
        assert gone.json() == {"detail": "The provider is disconnected."}
        assert api.call("GET", "socialaccounts/", token=token).json() == []
        again = api.call("POST", f"socialaccounts/{row['id']}/disconnect/", {}, token=token)
        assert (again.status_code, again.json()["code"]) == (404, "identity_not_found")

    def test_the_last_way_in(self, acme: Issuer, api: AuthApi) -> None:
        token = api.call("POST", "social/acme/", self.with_code(acme)).json()["access"]
        (row,) = api.call("GET", "socialaccounts/", token=token).json()
        answer = api.call("POST", f"socialaccounts/{row['id']}/disconnect/", {}, token=token)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
        new = {"old_password": "-", "new_password1": PASSWORD, "new_password2": PASSWORD}
        assert api.call("POST", "password/change/", new, token=token).status_code == 200
        assert api.call("POST", f"socialaccounts/{row['id']}/disconnect/", {}, token=token).status_code == 200
        assert api.login("alice").status_code == 200

    def test_who_may(self, acme: Issuer, api: AuthApi, alice: Any) -> None:
        for method, path in (
            ("POST", "social/acme/connect/"),
            ("GET", "socialaccounts/"),
            ("POST", "socialaccounts/1/disconnect/"),
        ):
            assert api.call(method, path, {} if method == "POST" else None).status_code == 401
        Session.objects.update(auth_time=clock.now() - timedelta(minutes=11))
        for path, body in (("social/acme/connect/", self.with_code(acme)), ("socialaccounts/1/disconnect/", {})):
            answer = api.call("POST", path, body, token=alice["access"])
            assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")

    def with_code(self, acme: Issuer) -> dict[str, Any]:
        """The body of an application that made the request to the provider itself."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
        query = {"client_id": "our-client", "redirect_uri": OURS, "code_challenge": challenge}
        code = acme.code_for(f"{acme.url}/authorize?{urlencode(query)}", **ALICE)
        return {"code": code, "code_verifier": VERIFIER, "redirect_uri": OURS}

    def refused(self, api: AuthApi, body: dict[str, Any]) -> str:
        answer = api.call("POST", "social/acme/", body)
        assert answer.status_code == 400, answer.content
        return str(answer.json()["code"])


class TestTelegram:
    @pytest.fixture(autouse=True)
    def _telegram(self, settings: Any) -> None:
        entry = Issuer(port=1).entry(id="telegram", kind="telegram", issuer="https://oauth.telegram.org")
        settings.SOCIAL_PROVIDERS = [entry | {"client_secret": "bot:token"}]

    def result(self, *, bot: str = "bot:token", **changes: Any) -> str:
        data = {"id": 42, "first_name": "Alice", "auth_date": int(time.time()), **changes}
        lines = "\n".join(sorted(f"{name}={value}" for name, value in data.items()))
        key = hashlib.sha256(bot.encode()).digest()
        data["hash"] = hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    def test_it_connects_and_logs_in(self, api: AuthApi, alice: Any) -> None:
        connected = api.call("POST", "social/telegram/connect/", {"id_token": self.result()}, token=alice["access"])
        assert connected.status_code == 200, connected.content
        assert api.call("POST", "social/telegram/", {"id_token": self.result()}).json()["user"]["username"] == "alice"

    def test_it_names_no_address(self, api: AuthApi) -> None:
        answer = api.call("POST", "social/telegram/", {"id_token": self.result()})
        assert (answer.status_code, answer.json()["code"]) == (400, "provider_without_email")

    def test_lies(self, api: AuthApi) -> None:
        old, made_up = self.result(auth_date=int(time.time()) - 301), self.result(bot="another")
        nested = base64.urlsafe_b64encode(b"[" * 3500).decode()
        for token in (old, made_up, "x", "e30", self.result()[:-8], self.result(id="x"), nested):
            answer = api.call("POST", "social/telegram/", {"id_token": token})
            assert (answer.status_code, answer.json()["code"]) == (400, "provider_refused")
        assert not User.objects.exists()
