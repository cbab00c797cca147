"""SOCIAL_PROVIDERS and SOCIAL_REDIRECT_URLS: messages name the fault, and contain no secret."""

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.providers import KINDS, providers, redirect_urls

GOOD = {"kind": "google", "client_id": "c", "client_secret": "very-secret"}
APPLE = {"kind": "apple", "client_id": "c", "client_secret": "very-secret"}
OIDC = {"kind": "openid_connect", "id": "corp", "client_id": "c", "client_secret": "very-secret"}


def read(monkeypatch: pytest.MonkeyPatch, value: str) -> Any:
    monkeypatch.setenv("SOCIAL_PROVIDERS", value)
    return providers("SOCIAL_PROVIDERS")


def test_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, "") == []
    assert read(monkeypatch, "[]") == []


def test_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = read(monkeypatch, json.dumps([GOOD]))
    assert found == {
        "id": "google",
        "kind": "google",
        "name": "Google",
        "client_id": "c",
        "client_secret": "very-secret",
        "issuer": "https://accounts.google.com",
        "scopes": [],
        "audiences": [],
        "team_id": "",
        "key_id": "",
        "trusts_email": True,
        "trusts_factors": False,
    }


def test_every_kind_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"apple": {"team_id": "t", "key_id": "k"}, "openid_connect": {"issuer": "https://id.example.org/realm"}}
    entries = [{**GOOD, "kind": kind, **more.get(kind, {})} for kind in KINDS]
    assert [each["kind"] for each in read(monkeypatch, json.dumps(entries))] == list(KINDS)
    named = "google apple github microsoft facebook gitlab discord telegram vk yandex openid_connect"
    assert set(KINDS) == set(named.split())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "a JSON list"),
        ('{"kind": "google"}', "a JSON list"),
        ("[1]", "a JSON list"),
        ([{**GOOD, "kind": "aol"}], "'kind' of entry 1"),
        ([{**GOOD, "colour": "red"}], "unknown key 'colour'"),
        ([GOOD, {**GOOD, "id": "Google!"}], "'id' of entry 2"),
        ([{**GOOD, "id": "cookie"}], "'id' of entry 1"),
        ([{"kind": "google"}], "'client_id' of entry 1"),
        ([{"kind": "github", "client_id": "c"}], "'client_secret' of entry 1"),
        ([APPLE], "'team_id' of entry 1"),
        ([OIDC], "'issuer' of entry 1"),
        ([{**OIDC, "issuer": "http://id.example.org"}], "'issuer' of entry 1"),
        ([{**OIDC, "issuer": "https://id.example.org?x=1"}], "'issuer' of entry 1"),
        ([{**GOOD, "client_id": 7}], "'client_id' of entry 1"),
        ([{**GOOD, "scopes": "email"}], "'scopes' of entry 1"),
        ([{**GOOD, "trusts_email": "yes"}], "'trusts_email' of entry 1"),
        ([GOOD, GOOD], "same id, 'google'"),
        ([GOOD, {**GOOD, "id": "google2"}], "same issuer"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, value: Any, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(monkeypatch, value if isinstance(value, str) else json.dumps(value))
    assert str(refused.value).startswith("SOCIAL_PROVIDERS: ")
    assert said in str(refused.value)
    assert "very-secret" not in str(refused.value)


def test_redirect_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    good = ["https://app.example.org/cb", "com.example.app:/cb", "http://localhost:5173/cb"]
    monkeypatch.setenv("SOCIAL_REDIRECT_URLS", ", ".join(good))
    assert redirect_urls("SOCIAL_REDIRECT_URLS") == good


@pytest.mark.parametrize(
    "bad",
    [
        "http://app.example.org/cb",
        "https://*.example.org/cb",
        "https://a.example/#x",
        "javascript:alert(1)",
        "app:/cb",
        "/cb",
    ],
)
def test_invalid_redirect_urls_are_refused(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setenv("SOCIAL_REDIRECT_URLS", bad)
    with pytest.raises(ImproperlyConfigured, match=r"^SOCIAL_REDIRECT_URLS: "):
        redirect_urls("SOCIAL_REDIRECT_URLS")
