"""How a refusal looks to an AuthApi client: DRF's shapes, with a stable `code` beside every `detail`."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from accounts.api.common.errors import as_api_exception
from accounts.core.errors import AccountError, AccountErrors, ErrorCode


@dataclass(frozen=True, kw_only=True)
class Wire:
    """field: the field the refusal is told under, None for `detail` and `code`."""

    message: Any
    field: str | None = None
    status: int = status.HTTP_400_BAD_REQUEST


WIRE: dict[ErrorCode, Wire] = {
    ErrorCode.RATE_LIMITED: Wire(
        message=_("Too many requests. Try again later."), status=status.HTTP_429_TOO_MANY_REQUESTS
    ),
    ErrorCode.INVALID_CREDENTIALS: Wire(
        field="non_field_errors", message=_("Unable to log in with provided credentials.")
    ),
    ErrorCode.EMAIL_NOT_VERIFIED: Wire(field="non_field_errors", message=_("E-mail is not verified.")),
    ErrorCode.USERNAME_INVALID: Wire(field="username", message=_("Enter a valid username.")),
    ErrorCode.USERNAME_TAKEN: Wire(field="username", message=_("A user with that username already exists.")),
    ErrorCode.EMAIL_INVALID: Wire(field="email", message=_("Enter a valid email address.")),
    ErrorCode.EMAIL_TAKEN: Wire(field="email", message=_("A user is already registered with this e-mail address.")),
    ErrorCode.PASSWORD_INVALID: Wire(field="password1", message=_("This password cannot be used.")),
    ErrorCode.WRONG_PASSWORD: Wire(
        field="old_password", message=_("Your old password was entered incorrectly. Please enter it again.")
    ),
    ErrorCode.INVALID_VERIFICATION_KEY: Wire(field="key", message=_("This key is wrong, used or expired.")),
    ErrorCode.INVALID_NOTICE_KEY: Wire(field="key", message=_("This key is wrong, used or expired.")),
    # A used key is told from a wrong one by dialects whose clients have a word for it.
    ErrorCode.EMAIL_ALREADY_VERIFIED: Wire(field="key", message=_("This key is wrong, used or expired.")),
    ErrorCode.INVALID_RESET_TOKEN: Wire(field="token", message=_("This reset link is wrong, used or expired.")),
    ErrorCode.INVALID_CODE: Wire(field="code", message=_("This code is wrong, used or expired.")),
    ErrorCode.TOKEN_NOT_VALID: Wire(message=_("Token is invalid or expired"), status=status.HTTP_401_UNAUTHORIZED),
    ErrorCode.USER_NOT_FOUND: Wire(message=_("No such user."), status=status.HTTP_404_NOT_FOUND),
    ErrorCode.SESSION_NOT_FOUND: Wire(message=_("No such session."), status=status.HTTP_404_NOT_FOUND),
    ErrorCode.AVATAR_URL_INVALID: Wire(field="avatar_url", message=_("Enter a valid https URL.")),
    ErrorCode.LAST_SUPERUSER: Wire(message=_("The last active superuser has to stay.")),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, with the core's errors rendered by WIRE and what DRF leaves to Django's HTML pages as JSON.

    A view may name another field for an error in `error_fields`: the new password is `password1` in one body and
    `new_password1` in another.
    """
    if isinstance(error, AccountError):
        return _account_error(error, getattr(context.get("view"), "error_fields", {}))
    error = as_api_exception(error)
    if isinstance(error, PermissionDenied):
        return Response({"detail": str(error), "code": "permission_denied"}, status=status.HTTP_403_FORBIDDEN)
    response = drf_exception_handler(error, context)
    if response is not None:
        if isinstance(response.data, list):
            response.data = {"non_field_errors": response.data}
        elif set(response.data) == {"detail"} and hasattr(response.data["detail"], "code"):
            response.data["code"] = response.data["detail"].code
    return response


def _account_error(error: AccountError, fields: dict[ErrorCode, str]) -> Response:
    refusals = error.errors if isinstance(error, AccountErrors) else (error,)
    wire = WIRE[error.code]
    if wire.field is None:
        headers = {"WWW-Authenticate": 'Bearer realm="api"'} if wire.status == status.HTTP_401_UNAUTHORIZED else {}
        return Response({"detail": wire.message, "code": error.code}, status=wire.status, headers=headers)
    data: dict[str, list[Any]] = {}
    for refusal in refusals:
        field = fields.get(refusal.code, WIRE[refusal.code].field)
        data.setdefault(str(field), []).extend(refusal.reasons or [WIRE[refusal.code].message])
    return Response(data, status=wire.status)
