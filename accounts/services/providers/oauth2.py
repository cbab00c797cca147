"""Providers with OAuth 2.0 and without OpenID Connect. allauth knows their URLs and how to read their answers."""

import re
from importlib import import_module
from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.http import HttpRequest  # noqa: TID251 (an empty one: allauth's adapters read the code out of it)

from accounts.core.conf import conf
from accounts.core.provider import Identity, Provider
from accounts.services.providers.http import BoundedSession
from accounts.services.providers.oidc import Refused

# The class in the module `views` of allauth's package for each kind.
ADAPTERS = {
    "github": "GitHubOAuth2Adapter",
    "facebook": "FacebookOAuth2Adapter",
    "discord": "DiscordOAuth2Adapter",
    "vk": "VKOAuth2Adapter",
    "yandex": "YandexOAuth2Adapter",
}


# allauth turns a missing id into "None", and an object into its text.
SUBJECT = re.compile(r"[\w.:|@=+/-]{1,191}")


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Gives allauth's adapters our settings and bounded requests (setting SOCIALACCOUNT_ADAPTER)."""

    def get_requests_session(self) -> BoundedSession:
        return BoundedSession()

    def get_app(self, request: Any, provider: str, client_id: str | None = None) -> SocialApp:
        found = next(each for each in conf.providers.values() if each.kind == provider)
        app = SocialApp(provider=found.kind, name=found.name, client_id=found.client_id, secret=found.client_secret)
        app.settings = {"scope": list(found.scopes)} if found.scopes else {}
        return app


def authorize_url(provider: Provider) -> str:
    return str(_adapter(provider).authorize_url)


def scopes(provider: Provider) -> list[str]:
    return list(_adapter(provider).get_provider().get_scope())


def scope_delimiter(provider: Provider) -> str:
    return str(_adapter(provider).scope_delimiter)


def identity(provider: Provider, *, code: str, verifier: str, redirect_uri: str, device_id: str = "") -> Identity:
    """The person whom the provider names for an authorization code. device_id: VK sends it with the code.

    Raises Refused.
    """
    adapter = _adapter(provider)
    adapter.request.GET.update({"code": code, "device_id": device_id})
    app = adapter.get_provider().app
    client = adapter.client_class(
        adapter.request,
        app.client_id,
        app.secret,
        adapter.access_token_method,
        adapter.access_token_url,
        redirect_uri,
        scope_delimiter=adapter.scope_delimiter,
        # GitHub answers a form unless the request asks for JSON.
        headers={**(adapter.headers or {}), "Accept": "application/json"},
        basic_auth=adapter.basic_auth,
    )
    try:
        answer = adapter.get_access_token_data(adapter.request, app, client, pkce_code_verifier=verifier)
        login = adapter.complete_login(adapter.request, app, adapter.parse_token(answer), response=answer)
    except (OAuth2Error, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        # allauth does not check the answer of the provider.
        raise Refused(type(error).__name__) from error
    return _identity(provider, login)


def _identity(provider: Provider, login: SocialLogin) -> Identity:
    """Prefers a verified address, and among those the primary one. Raises Refused without a subject."""
    if not SUBJECT.fullmatch(login.account.uid) or login.account.uid == "None":
        raise Refused("the subject is none")
    addresses = sorted(login.email_addresses, key=lambda each: (not each.verified, not each.primary))
    email = addresses[0].email if addresses else ""
    return Identity(
        provider=provider,
        subject=login.account.uid,
        email=email,
        email_is_proved=bool(email) and addresses[0].verified and provider.trusts_email,
    )


def _adapter(provider: Provider) -> OAuth2Adapter:
    views = import_module(f"allauth.socialaccount.providers.{provider.kind}.views")
    adapter: OAuth2Adapter = getattr(views, ADAPTERS[provider.kind])(HttpRequest())
    return adapter
