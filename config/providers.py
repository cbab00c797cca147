"""Reads SOCIAL_PROVIDERS: the providers with which people log in."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from config.environment import refuse, text

# The issuer of each kind with OpenID Connect; None if the operator names it. Other kinds use OAuth 2.0.
OPENID = {
    "google": "https://accounts.google.com",
    "apple": "https://appleid.apple.com",
    "microsoft": "https://login.microsoftonline.com/common/v2.0",
    "gitlab": "https://gitlab.com",
    "openid_connect": None,
}
OAUTH2 = {
    "github": "https://github.com",
    "facebook": "https://www.facebook.com",
    "discord": "https://discord.com",
    "vk": "https://id.vk.ru",
    "yandex": "https://oauth.yandex.com",
}
TELEGRAM = {"telegram": "https://oauth.telegram.org"}
KINDS = OPENID | OAUTH2 | TELEGRAM
# Kinds whose word about an address is trusted by default: they own the address, or have mailed to it.
TRUSTED = {"google", "apple", "github", "gitlab", "discord"}
TEXTS = {"id", "kind", "name", "client_id", "client_secret", "issuer", "team_id", "key_id"}
LISTS = {"scopes", "audiences"}
SWITCHES = {"trusts_email", "trusts_factors"}
# Ids that would collide with routes.
RESERVED_IDS = {"jwt", "cookie", "associate", "register", "verify"}
ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
LONGEST = 10_000


def providers(name: str) -> list[dict[str, Any]]:
    """The value as a list of JSON objects, each with all values of a Provider (accounts/core/provider.py).

    Raises ImproperlyConfigured. Its text names the variable and the entry, and never contains a secret.
    """
    raw = text(name)
    if not raw:
        return []
    try:
        entries = json.loads(raw)
    except ValueError:
        raise refuse(name, "a JSON list of objects is expected") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise refuse(name, "a JSON list of objects is expected")
    found = [_provider(name, number, entry) for number, entry in enumerate(entries, 1)]
    for key in ("id", "issuer"):
        values = [each[key] for each in found]
        if twice := {value for value in values if values.count(value) > 1}:
            raise refuse(name, f"two providers have the same {key}, {twice.pop()!r}")
    return found


def _provider(name: str, number: int, entry: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(entry) - TEXTS - LISTS - SWITCHES:
        raise refuse(name, f"entry {number} has an unknown key {sorted(unknown)[0]!r}")
    for key, value in entry.items():
        if key in TEXTS and not (isinstance(value, str) and 0 < len(value) <= LONGEST):
            raise refuse(name, f"{key!r} of entry {number} has to be a text")
        if key in LISTS and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            raise refuse(name, f"{key!r} of entry {number} has to be a list of texts")
        if key in SWITCHES and not isinstance(value, bool):
            raise refuse(name, f"{key!r} of entry {number} has to be true or false")
    kind = entry.get("kind")
    if kind not in KINDS:
        raise refuse(name, f"'kind' of entry {number} has to be one of {', '.join(KINDS)}")
    id = entry.get("id", kind)
    if not ID.fullmatch(id) or id in RESERVED_IDS:
        raise refuse(name, f"'id' of entry {number} has to be small letters, digits and dashes, and no word of a route")
    needed = ["client_id"]
    if kind in OAUTH2 or kind in TELEGRAM or kind == "apple":
        needed.append("client_secret")
    if kind == "apple":
        needed += ["team_id", "key_id"]
    if KINDS[kind] is None:
        needed.append("issuer")
    if missing := [key for key in needed if key not in entry]:
        raise refuse(name, f"{missing[0]!r} of entry {number} ({id}) is missing")
    return {
        "id": id,
        "kind": kind,
        "name": entry.get("name", id.replace("_", " ").replace("-", " ").title()),
        "client_id": entry["client_id"],
        "client_secret": entry.get("client_secret", ""),
        "issuer": _issuer(name, number, entry.get("issuer") or KINDS[kind] or ""),
        "scopes": entry.get("scopes", []),
        "audiences": entry.get("audiences", []),
        "team_id": entry.get("team_id", ""),
        "key_id": entry.get("key_id", ""),
        "trusts_email": entry.get("trusts_email", kind in TRUSTED),
        "trusts_factors": entry.get("trusts_factors", False),
    }


def _issuer(name: str, number: int, raw: str) -> str:
    """The issuer, exactly as written: issuers are compared letter by letter (OpenID Connect Discovery §4.3)."""
    parts = urlsplit(raw)
    is_local = parts.hostname in ("localhost", "127.0.0.1")
    if parts.scheme not in ("https", *(("http",) if is_local else ())) or not parts.hostname or parts.query:
        raise refuse(name, f"'issuer' of entry {number} has to be an https URL without a query")
    return raw


def redirect_urls(name: str) -> list[str]:
    """URLs of our own applications, separated by blanks or commas: https, a scheme of their own, or this machine.

    Patterns are not allowed, because redirect URLs are compared letter by letter (RFC 9700 §2.1).
    """
    found = [raw for raw in re.split(r"[\s,]+", text(name)) if raw]
    for raw in found:
        parts = urlsplit(raw)
        is_local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1")
        is_own = re.fullmatch(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+", parts.scheme) is not None
        if not (is_own or (parts.hostname and (parts.scheme == "https" or is_local))) or parts.fragment or "*" in raw:
            raise refuse(
                name, f"an https URL or one of an own scheme such as com.example.app: is expected, not {raw!r}"
            )
    return found
