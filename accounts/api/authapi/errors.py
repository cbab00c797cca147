"""Refusals for AuthApi clients: DRF's shapes, with a stable `code` beside every `detail`."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from accounts.api.common.errors import as_api_exception, retry_header
from accounts.core.errors import AccountError, AccountErrors, ErrorCode


@dataclass(frozen=True, kw_only=True)
class Wire:
    """field: the field that contains the refusal; None for `detail` and `code`."""

    field: str | None = None
    status: int = status.HTTP_400_BAD_REQUEST


WIRE: dict[ErrorCode, Wire] = {
    ErrorCode.RATE_LIMITED: Wire(status=status.HTTP_429_TOO_MANY_REQUESTS),
    ErrorCode.OVERLOADED: Wire(status=status.HTTP_503_SERVICE_UNAVAILABLE),
    ErrorCode.INVALID_CREDENTIALS: Wire(field="non_field_errors"),
    ErrorCode.EMAIL_NOT_VERIFIED: Wire(field="non_field_errors"),
    ErrorCode.USERNAME_INVALID: Wire(field="username"),
    ErrorCode.USERNAME_TAKEN: Wire(field="username"),
    ErrorCode.EMAIL_INVALID: Wire(field="email"),
    ErrorCode.EMAIL_TAKEN: Wire(field="email"),
    ErrorCode.PASSWORD_INVALID: Wire(field="password1"),
    ErrorCode.WRONG_PASSWORD: Wire(field="old_password"),
    ErrorCode.INVALID_VERIFICATION_KEY: Wire(field="key"),
    ErrorCode.INVALID_NOTICE_KEY: Wire(field="key"),
    ErrorCode.EMAIL_ALREADY_VERIFIED: Wire(field="key"),
    ErrorCode.INVALID_RESET_TOKEN: Wire(field="token"),
    # Not under the field `code`, because that name is for the kind of the refusal.
    ErrorCode.INVALID_CODE: Wire(),
    ErrorCode.MFA_REQUIRED: Wire(status=status.HTTP_403_FORBIDDEN),
    ErrorCode.MFA_ENROLMENT_REQUIRED: Wire(status=status.HTTP_403_FORBIDDEN),
    ErrorCode.INVALID_CHALLENGE: Wire(),
    ErrorCode.INVALID_OFFER: Wire(field="activation_token"),
    ErrorCode.INVALID_PASSKEY: Wire(),
    ErrorCode.TOO_MANY_PASSKEYS: Wire(status=status.HTTP_409_CONFLICT),
    ErrorCode.FACTOR_EXISTS: Wire(status=status.HTTP_409_CONFLICT),
    ErrorCode.FACTOR_NOT_FOUND: Wire(status=status.HTTP_404_NOT_FOUND),
    ErrorCode.PROVIDER_NOT_FOUND: Wire(status=status.HTTP_404_NOT_FOUND),
    ErrorCode.PROVIDER_UNAVAILABLE: Wire(status=status.HTTP_503_SERVICE_UNAVAILABLE),
    ErrorCode.PROVIDER_REFUSED: Wire(),
    ErrorCode.PROVIDER_STATE_UNREADABLE: Wire(),
    ErrorCode.PROVIDER_STATE_INVALID: Wire(),
    ErrorCode.PROVIDER_WITHOUT_EMAIL: Wire(),
    ErrorCode.PROVIDER_USER_EXISTS: Wire(),
    ErrorCode.REDIRECT_URI_INVALID: Wire(field="redirect_uri"),
    ErrorCode.IDENTITY_TAKEN: Wire(status=status.HTTP_409_CONFLICT),
    ErrorCode.IDENTITY_NOT_FOUND: Wire(status=status.HTTP_404_NOT_FOUND),
    ErrorCode.LAST_WAY_IN: Wire(status=status.HTTP_409_CONFLICT),
    ErrorCode.TOKEN_NOT_VALID: Wire(status=status.HTTP_401_UNAUTHORIZED),
    ErrorCode.REAUTHENTICATION_REQUIRED: Wire(status=status.HTTP_403_FORBIDDEN),
    ErrorCode.USER_NOT_FOUND: Wire(status=status.HTTP_404_NOT_FOUND),
    ErrorCode.SESSION_NOT_FOUND: Wire(status=status.HTTP_404_NOT_FOUND),
    ErrorCode.AVATAR_URL_INVALID: Wire(field="avatar_url"),
    ErrorCode.IDEMPOTENCY_KEY_INVALID: Wire(),
    ErrorCode.IDEMPOTENCY_KEY_IN_USE: Wire(status=status.HTTP_409_CONFLICT),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Wire(status=status.HTTP_422_UNPROCESSABLE_ENTITY),
    ErrorCode.LAST_SUPERUSER: Wire(status=status.HTTP_409_CONFLICT),
    ErrorCode.SUPERUSER_PROTECTED: Wire(status=status.HTTP_403_FORBIDDEN),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler. WIRE renders the core's errors; errors that DRF leaves to Django's HTML pages become JSON.

    A view may name another field for an error in `error_fields`: the new password is `password1` in one body and
    `new_password1` in another.
    """
    error = as_api_exception(error)
    if isinstance(error, AccountError):
        return _account_error(error, getattr(context.get("view"), "error_fields", {}))
    if isinstance(error, PermissionDenied):
        return Response({"detail": str(error), "code": "permission_denied"}, status=status.HTTP_403_FORBIDDEN)
    response = drf_exception_handler(error, context)
    if response is not None:
        if isinstance(response.data, list):
            response.data = {"non_field_errors": response.data}
        elif set(response.data) == {"detail"} and hasattr(response.data["detail"], "code"):
            response.data["code"] = response.data["detail"].code
        elif isinstance(response.data.get("code"), list):
            # `code` is the kind of the refusal, not an error of the field with that name.
            sentences = [f"code: {sentence}" for sentence in response.data.pop("code")]
            response.data["non_field_errors"] = [*response.data.get("non_field_errors", []), *sentences]
    return response


def _account_error(error: AccountError, fields: dict[ErrorCode, str]) -> Response:
    refusals = error.errors if isinstance(error, AccountErrors) else (error,)
    wire = WIRE[error.code]
    headers = retry_header(error)
    if wire.field is None:
        if wire.status == status.HTTP_401_UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="api"'
        body = {"detail": " ".join(error.sentences), "code": error.code, **error.details}
        if error.code is ErrorCode.MFA_REQUIRED:
            # dj-rest-auth's names.
            body |= {"ephemeral_token": error.data["challenge"], "mfa_required": True}
        return Response(body, status=wire.status, headers=headers)
    data: dict[str, list[str]] = {}
    for refusal in refusals:
        field = fields.get(refusal.code, WIRE[refusal.code].field)
        data.setdefault(str(field), []).extend(refusal.sentences)
    return Response(data, status=wire.status, headers=headers)
