"""The cookie of a browser's session: the routes of FastAPI Users and the page to log in set and read the same."""

from datetime import timedelta
from typing import Any

NAME = "fastapiusersauth"
# The session behind it has no refresh token: both live as long.
LIFETIME = timedelta(hours=1)


def put(response: Any, token: str, *, max_age: timedelta = LIFETIME) -> None:
    """Sets the cookie on a response of Django or DRF; an empty token with a max_age of 0 takes it back."""
    # The package writes "lax" so.
    response.set_cookie(NAME, token, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax")
