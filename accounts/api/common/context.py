import ipaddress

from django.http import HttpRequest
from django.utils.translation import get_language

from accounts.core.conf import conf
from accounts.core.context import ClientContext, Dialect


def client_context(request: HttpRequest, dialect: Dialect) -> ClientContext:
    """The ClientContext of a request to this dialect."""
    return ClientContext(
        ip=client_ip(request),
        user_agent=printable(request.META.get("HTTP_USER_AGENT", ""))[:400],
        language=(get_language() or "en").split("-")[0],
        request_id=getattr(request, "request_id", ""),
        dialect=dialect,
    )


def client_ip(request: HttpRequest) -> str:
    """The address that TRUSTED_PROXY_COUNT proxies have seen. Entries further left come from the client itself."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    chain = [*hops, request.META.get("REMOTE_ADDR", "")]
    claimed = chain[max(len(chain) - 1 - conf.trusted_proxy_count, 0)]
    try:
        address = ipaddress.ip_address(claimed.strip("[]"))
    except ValueError:
        return ""
    # A server that listens to IPv6 writes IPv4 addresses like ::ffff:192.0.2.1.
    return str(getattr(address, "ipv4_mapped", None) or address)


def printable(text: str) -> str:
    """`text` without control characters, so that it is safe in a log, a page or a database."""
    return "".join(letter for letter in text if letter.isprintable())
