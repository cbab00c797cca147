from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import conditional_page, require_safe

from accounts.services import keys


@require_safe
@conditional_page
def jwks(request: HttpRequest) -> JsonResponse:
    """The public signing keys (RFC 7517), for whoever verifies access tokens by themselves."""
    max_age = int(keys.JWKS_MAX_AGE.total_seconds())
    return JsonResponse({"keys": keys.public_keys()}, headers={"Cache-Control": f"public, max-age={max_age}"})
