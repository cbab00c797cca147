"""Probes as a client and as an attacker: real requests to PUBLIC_URL, to Redis and to the mail server.

They change nothing, except that one failed login with an unknown name is recorded and counted.
"""

import ipaddress
import json
import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.core.conf import conf
from accounts.models import SecurityEvent
from accounts.services import limits, smtp

# Less than a probe's time, so that a hanging request is reported as such.
TIMEOUT = 4.0
# A reserved address (RFC 5737), and a foreign origin and host (RFC 2606).
FORGED_IP = "203.0.113.77"
OTHER_HOST = "attacker.example.com"
OTHER_ORIGIN = f"https://{OTHER_HOST}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """address: of this machine, as the next hop sees it. headers: names in lower case; cookies: lines of Set-Cookie."""

    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    address: str


def _ask(
    method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str | None = None, plain: bool = False
) -> Answer:
    """Sends one request to PUBLIC_URL, without following redirects. plain: to port 80 without TLS."""
    url = urlsplit(conf.public_url)
    host = url.hostname or ""
    kind = HTTPSConnection if url.scheme == "https" and not plain else HTTPConnection
    client = kind(host, 80 if plain else url.port, timeout=TIMEOUT)
    with closing(client):
        client.connect()
        address = client.sock.getsockname()[0]
        client.request(method, path, body, {"User-Agent": "authdoctor", **(headers or {})})
        answer = client.getresponse()
        answer.read(65536)
        return Answer(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.getheaders()},
            cookies=answer.headers.get_all("Set-Cookie") or [],
            address=address,
        )


def _is_https() -> bool:
    return conf.public_url.startswith("https://")


def _is_local() -> bool:
    return urlsplit(conf.public_url).hostname in smtp.OWN_HOSTS


def ask_public_url() -> Answer:
    # No cache answers this path, and its answer shows whether the server knows of TLS.
    return _ask("GET", "/.well-known/jwks.json")


def public_url(answer: Answer) -> list[str]:
    problems = []
    if answer.status != 200:
        text = _("%(url)s answers %(status)d: it does not lead to this product, or it is away.")
        problems.append(text % {"url": conf.public_url, "status": answer.status})
    if not _is_https() and not _is_local():
        problems.append(_("PUBLIC_URL is not https: whoever is on the way reads every password."))
    if _is_https() and answer.status == 200 and "strict-transport-security" not in answer.headers:
        text = _(
            "The server does not know that it is behind TLS: set TRUSTED_PROXY_COUNT, and let the proxy set"
            " X-Forwarded-Proto."
        )
        problems.append(text)
    return problems


def ask_plain_http() -> Answer | None:
    """None if there is nothing to test: no TLS, or no server without it."""
    if not _is_https():
        return None
    try:
        return _ask("GET", "/.well-known/jwks.json", plain=True)
    except OSError:
        return None


def plain_http(answer: Answer | None) -> list[str]:
    if answer is None or answer.status >= 400 or answer.headers.get("location", "").startswith("https://"):
        return []
    text = _("http:// answers %(status)d instead of a redirect to https://: let the proxy redirect.")
    return [text % {"status": answer.status}]


def ask_as_somebody_else() -> Answer:
    """Sends a login with an unknown name that claims to come from another address."""
    body = json.dumps({"username": f"authdoctor-{secrets.token_hex(8)}", "password": secrets.token_urlsafe(24)})
    headers = {"Content-Type": "application/json", "X-Forwarded-For": FORGED_IP}
    return _ask("POST", "/api/auth/login/", headers=headers, body=body)


def forged_address(answer: Answer) -> list[str]:
    if answer.status not in (400, 429):
        return [_("A login of nobody is answered %(status)d, and not 400.") % {"status": answer.status}]
    if answer.status == 429:
        return [_("Limits refuse this machine: its address cannot be looked at now. Try again in an hour.")]
    request_id = answer.headers.get("x-request-id", "")
    event = SecurityEvent.objects.filter(request_id=request_id).order_by("-id").first() if request_id else None
    if event is None:
        return [_("The login of nobody was not recorded in this database: PUBLIC_URL leads to another installation.")]
    if event.ip == FORGED_IP:
        text = _(
            "A client can claim any address with X-Forwarded-For: TRUSTED_PROXY_COUNT is higher than the number of"
            " proxies. Nobody is limited by address."
        )
        return [text]
    if event.ip != answer.address and not _is_local() and event.ip and not ipaddress.ip_address(event.ip).is_global:
        text = _(
            "The server sees %(ip)s as the address of this client, which is that of a proxy or of a network"
            " within: TRUSTED_PROXY_COUNT may be lower than the number of proxies, and limits would count everybody"
            " as one."
        )
        return [text % {"ip": event.ip}]
    return []


def ask_other_host() -> Answer:
    return _ask("GET", "/", headers={"Host": OTHER_HOST})


def forged_host(answer: Answer) -> list[str]:
    if answer.status < 300 and _is_ours(answer):
        text = _("A request for the host %(host)s is served: name the hosts in ALLOWED_HOSTS.")
        return [text % {"host": OTHER_HOST}]
    return []


def _is_ours(answer: Answer) -> bool:
    return "x-request-id" in answer.headers


def ask_as_other_origins() -> list[tuple[str, Answer]]:
    """Sends the preflights of a page of a foreign origin, and of the allowed origins."""

    def preflight(origin: str) -> Answer:
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        return _ask("OPTIONS", "/api/auth/login/", headers={"Origin": origin, **asks})

    return [(origin, preflight(origin)) for origin in (OTHER_ORIGIN, "null", *conf.browser_origins)]


def other_origins(answers: list[tuple[str, Answer]]) -> list[str]:
    problems = []
    for origin, answer in answers:
        allowed = answer.headers.get("access-control-allow-origin", "")
        if origin in conf.browser_origins and allowed != origin:
            text = _("Pages of %(origin)s cannot call it, although CORS_ALLOWED_ORIGINS says so.")
            problems.append(text % {"origin": origin})
        elif origin not in conf.browser_origins and allowed in (origin, "*"):
            text = _("Pages of any origin (%(origin)s) may call it: does the proxy add headers of CORS?")
            problems.append(text % {"origin": origin})
    return problems


def ask_for_cookies() -> Answer:
    return _ask("GET", "/admin/login/")


def cookies(answer: Answer) -> list[str]:
    problems = []
    if answer.status != 200:
        problems.append(_("The login of the admin answers %(status)d.") % {"status": answer.status})
    for line in answer.cookies:
        for name, cookie in SimpleCookie(line).items():
            if _is_https() and not cookie["secure"]:
                problems.append(_("The cookie %(name)s is not Secure.") % {"name": name})
            if cookie["samesite"].lower() not in ("lax", "strict"):
                problems.append(_("The cookie %(name)s has no SameSite.") % {"name": name})
    if answer.status == 200 and "frame-ancestors 'none'" not in answer.headers.get("content-security-policy", ""):
        problems.append(_("The admin's Content-Security-Policy does not arrive: does the proxy take headers away?"))
    return problems


def ask_limit_storage() -> list[int] | None:
    """The count of Redis after two tries at once; None without Redis, when the database counts."""
    return limits.probe_redis() if conf.redis_url else None


def limit_storage(counted: list[int] | None) -> list[str]:
    if counted is None or counted == [1, 2]:
        return []
    return [_("Redis counts two tries as %(counted)s: limits cannot rely on it.") % {"counted": counted}]


def ask_mail_server() -> smtp.Seen | None:
    return smtp.probe(seconds=TIMEOUT)


def mail_server(seen: smtp.Seen | None) -> list[str]:
    if seen is None:
        text = _("EMAIL_URL names no mail server: every mail ends as a file on this machine.")
        return [] if _is_local() else [text]
    problems = []
    if not seen.is_private and seen.logs_in:
        problems.append(_("The password for the mail server is sent unencrypted: use smtps:// or smtp+tls://."))
    elif not seen.is_private and seen.offers_starttls:
        problems.append(_("The mail server offers STARTTLS, and mail goes to it unencrypted: use smtp+tls://."))
    return problems
