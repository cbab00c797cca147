"""The refresh token in a cookie, for browser applications (REFRESH_COOKIE; dj-rest-auth's JWT_AUTH_REFRESH_COOKIE).

No script can read the cookie, and a browser sends it only to the token paths. An answer that sets it has an empty
`refresh`.
"""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.common.origins import check_origin
from accounts.core.conf import conf

NAME = "__Secure-refresh"
PATH = "/api/auth/token/"


def read(request: Request) -> str:
    """The token of the cookie; "" without one, and if REFRESH_COOKIE is off.

    Raises PermissionDenied if a page of a foreign origin sent it.
    """
    token = request.COOKIES.get(NAME, "") if conf.refresh_token_is_in_cookie else ""
    if token:
        check_origin(request)
    return str(token)


def move_into(response: Response) -> None:
    """Moves the refresh token, if there is one, from the answer's body into the cookie."""
    if not isinstance(response.data, dict) or not response.data.get("refresh"):
        return
    response.set_cookie(
        NAME,
        response.data["refresh"],
        max_age=conf.session_lifetime,
        path=PATH,
        secure=True,
        httponly=True,
        samesite="Strict",
    )
    response.data = {**response.data, "refresh": ""}


def expire(response: Response) -> None:
    response.delete_cookie(NAME, path=PATH, samesite="Strict")
