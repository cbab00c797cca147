"""The cookie of a browser's session. The routes of FastAPI Users and the login page use the same one."""

from datetime import timedelta
from typing import Any

NAME = "fastapiusersauth"
# The session has no refresh token, so cookie and session live equally long.
LIFETIME = timedelta(hours=1)


def put(response: Any, token: str, *, max_age: timedelta = LIFETIME) -> None:
    """Sets the cookie on a response of Django or DRF. An empty token with a max_age of 0 deletes it."""
    # The package writes "lax" in lower case.
    response.set_cookie(NAME, token, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax")
