from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import conditional_page, require_safe

from accounts.core.conf import conf
from accounts.services import keys


@require_safe
@conditional_page
def jwks(request: HttpRequest) -> JsonResponse:
    """The public signing keys (RFC 7517), for services that verify access tokens themselves."""
    found = keys.public_keys()
    # An empty list will be outdated soon.
    cache = f"public, max-age={int(keys.JWKS_MAX_AGE.total_seconds())}" if found else "no-store"
    return JsonResponse({"keys": found}, headers={"Cache-Control": cache})


@require_safe
def passkey_origins(request: HttpRequest) -> JsonResponse:
    """The origins whose pages may ask for passkeys of PUBLIC_URL's domain (WebAuthn level 3, related origins)."""
    return JsonResponse({"origins": conf.own_origins}, headers={"Cache-Control": "public, max-age=300"})
