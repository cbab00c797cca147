"""Refusals for FastAPI Users clients: the package's words in FastAPI's bodies."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated
from rest_framework.response import Response

from accounts.api.common.errors import as_api_exception, retry_header
from accounts.core.errors import AccountError, ErrorCode


class Word(StrEnum):
    """The values of `detail`: FastAPI's sentences, the package's words, and our words for further refusals."""

    BODY_UNREADABLE = "There was an error parsing the body"
    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "Not Found"
    METHOD_NOT_ALLOWED = "Method Not Allowed"
    CONTENT_TOO_LARGE = "Content Too Large"

    REGISTER_INVALID_PASSWORD = "REGISTER_INVALID_PASSWORD"
    REGISTER_USER_ALREADY_EXISTS = "REGISTER_USER_ALREADY_EXISTS"
    LOGIN_BAD_CREDENTIALS = "LOGIN_BAD_CREDENTIALS"
    LOGIN_USER_NOT_VERIFIED = "LOGIN_USER_NOT_VERIFIED"
    RESET_PASSWORD_BAD_TOKEN = "RESET_PASSWORD_BAD_TOKEN"
    RESET_PASSWORD_INVALID_PASSWORD = "RESET_PASSWORD_INVALID_PASSWORD"
    VERIFY_USER_BAD_TOKEN = "VERIFY_USER_BAD_TOKEN"
    VERIFY_USER_ALREADY_VERIFIED = "VERIFY_USER_ALREADY_VERIFIED"
    UPDATE_USER_EMAIL_ALREADY_EXISTS = "UPDATE_USER_EMAIL_ALREADY_EXISTS"
    UPDATE_USER_INVALID_PASSWORD = "UPDATE_USER_INVALID_PASSWORD"

    # The errors that a provider sends in place of a code (RFC 6749 §4.1.2.1), with the package's words.
    BAD_REQUEST = "Bad Request"
    ACCESS_DENIED = "access_denied"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"

    OAUTH_NOT_AVAILABLE_EMAIL = "OAUTH_NOT_AVAILABLE_EMAIL"
    OAUTH_USER_ALREADY_EXISTS = "OAUTH_USER_ALREADY_EXISTS"
    OAUTH_INVALID_STATE = "OAUTH_INVALID_STATE"
    ACCESS_TOKEN_DECODE_ERROR = "ACCESS_TOKEN_DECODE_ERROR"

    OAUTH_PROVIDER_REFUSED = "OAUTH_PROVIDER_REFUSED"
    OAUTH_PROVIDER_UNAVAILABLE = "OAUTH_PROVIDER_UNAVAILABLE"
    OAUTH_LAST_WAY_IN = "OAUTH_LAST_WAY_IN"
    LAST_SUPERUSER = "LAST_SUPERUSER"
    WRONG_PASSWORD = "WRONG_PASSWORD"
    USERNAME_INVALID = "USERNAME_INVALID"
    USERNAME_TAKEN = "USERNAME_TAKEN"
    AVATAR_URL_INVALID = "AVATAR_URL_INVALID"
    INVALID_CODE = "INVALID_CODE"
    REAUTHENTICATION_REQUIRED = "REAUTHENTICATION_REQUIRED"
    IDEMPOTENCY_KEY = "IDEMPOTENCY_KEY"
    MFA_REQUIRED = "MFA_REQUIRED"
    MFA_ENROLMENT_REQUIRED = "MFA_ENROLMENT_REQUIRED"
    MFA_BAD_CHALLENGE = "MFA_BAD_CHALLENGE"
    MFA_FACTOR = "MFA_FACTOR"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"


@dataclass(frozen=True, kw_only=True)
class Wire:
    """field: the field of the body whose value is refused with 422; None for a word."""

    word: Word | None = None
    field: str | None = None
    status: int = 400


# Views replace a word if the package uses another one there: see FastAPIUsersView.words.
WIRE: dict[ErrorCode, Wire] = {
    ErrorCode.INVALID_CREDENTIALS: Wire(word=Word.LOGIN_BAD_CREDENTIALS),
    ErrorCode.EMAIL_NOT_VERIFIED: Wire(word=Word.LOGIN_USER_NOT_VERIFIED),
    ErrorCode.USERNAME_INVALID: Wire(word=Word.USERNAME_INVALID),
    ErrorCode.USERNAME_TAKEN: Wire(word=Word.USERNAME_TAKEN),
    ErrorCode.EMAIL_INVALID: Wire(field="email", status=422),
    ErrorCode.EMAIL_TAKEN: Wire(word=Word.UPDATE_USER_EMAIL_ALREADY_EXISTS),
    ErrorCode.PASSWORD_INVALID: Wire(word=Word.UPDATE_USER_INVALID_PASSWORD),
    ErrorCode.WRONG_PASSWORD: Wire(word=Word.WRONG_PASSWORD),
    ErrorCode.INVALID_VERIFICATION_KEY: Wire(word=Word.VERIFY_USER_BAD_TOKEN),
    ErrorCode.EMAIL_ALREADY_VERIFIED: Wire(word=Word.VERIFY_USER_ALREADY_VERIFIED),
    ErrorCode.INVALID_NOTICE_KEY: Wire(word=Word.VERIFY_USER_BAD_TOKEN),
    ErrorCode.INVALID_RESET_TOKEN: Wire(word=Word.RESET_PASSWORD_BAD_TOKEN),
    ErrorCode.MFA_REQUIRED: Wire(word=Word.MFA_REQUIRED, status=403),
    ErrorCode.MFA_ENROLMENT_REQUIRED: Wire(word=Word.MFA_ENROLMENT_REQUIRED, status=403),
    ErrorCode.INVALID_CHALLENGE: Wire(word=Word.MFA_BAD_CHALLENGE),
    # Only the AuthApi changes factors.
    ErrorCode.INVALID_OFFER: Wire(word=Word.MFA_FACTOR),
    ErrorCode.INVALID_PASSKEY: Wire(word=Word.MFA_FACTOR),
    ErrorCode.TOO_MANY_PASSKEYS: Wire(word=Word.MFA_FACTOR),
    ErrorCode.FACTOR_EXISTS: Wire(word=Word.MFA_FACTOR),
    ErrorCode.FACTOR_NOT_FOUND: Wire(word=Word.MFA_FACTOR),
    ErrorCode.PROVIDER_NOT_FOUND: Wire(word=Word.NOT_FOUND, status=404),
    ErrorCode.PROVIDER_UNAVAILABLE: Wire(word=Word.OAUTH_PROVIDER_UNAVAILABLE, status=503),
    ErrorCode.PROVIDER_REFUSED: Wire(word=Word.OAUTH_PROVIDER_REFUSED),
    ErrorCode.PROVIDER_STATE_UNREADABLE: Wire(word=Word.ACCESS_TOKEN_DECODE_ERROR),
    ErrorCode.PROVIDER_STATE_INVALID: Wire(word=Word.OAUTH_INVALID_STATE),
    ErrorCode.PROVIDER_WITHOUT_EMAIL: Wire(word=Word.OAUTH_NOT_AVAILABLE_EMAIL),
    ErrorCode.PROVIDER_USER_EXISTS: Wire(word=Word.OAUTH_USER_ALREADY_EXISTS),
    # Clients of the package send no redirect URI, and disconnect no provider.
    ErrorCode.REDIRECT_URI_INVALID: Wire(word=Word.OAUTH_PROVIDER_REFUSED),
    ErrorCode.IDENTITY_TAKEN: Wire(word=Word.OAUTH_USER_ALREADY_EXISTS),
    ErrorCode.IDENTITY_NOT_FOUND: Wire(word=Word.NOT_FOUND, status=404),
    ErrorCode.LAST_WAY_IN: Wire(word=Word.OAUTH_LAST_WAY_IN),
    ErrorCode.TOKEN_NOT_VALID: Wire(word=Word.UNAUTHORIZED, status=401),
    ErrorCode.SESSION_NOT_FOUND: Wire(word=Word.NOT_FOUND, status=404),
    ErrorCode.AVATAR_URL_INVALID: Wire(word=Word.AVATAR_URL_INVALID),
    ErrorCode.INVALID_CODE: Wire(word=Word.INVALID_CODE),
    ErrorCode.REAUTHENTICATION_REQUIRED: Wire(word=Word.REAUTHENTICATION_REQUIRED, status=403),
    ErrorCode.USER_NOT_FOUND: Wire(word=Word.NOT_FOUND, status=404),
    ErrorCode.RATE_LIMITED: Wire(word=Word.RATE_LIMITED, status=429),
    ErrorCode.OVERLOADED: Wire(word=Word.OVERLOADED, status=503),
    # Only the AuthApi has the header Idempotency-Key.
    ErrorCode.IDEMPOTENCY_KEY_INVALID: Wire(word=Word.IDEMPOTENCY_KEY),
    ErrorCode.IDEMPOTENCY_KEY_IN_USE: Wire(word=Word.IDEMPOTENCY_KEY, status=409),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Wire(word=Word.IDEMPOTENCY_KEY, status=422),
    ErrorCode.LAST_SUPERUSER: Wire(word=Word.LAST_SUPERUSER),
    ErrorCode.SUPERUSER_PROTECTED: Wire(word=Word.FORBIDDEN, status=403),
}

# FastAPI's sentences for answers that are not about accounts.
STATUS_WORDS = {
    400: Word.BODY_UNREADABLE,
    401: Word.UNAUTHORIZED,
    403: Word.FORBIDDEN,
    404: Word.NOT_FOUND,
    405: Word.METHOD_NOT_ALLOWED,
    413: Word.CONTENT_TOO_LARGE,
    429: Word.RATE_LIMITED,
    503: Word.OVERLOADED,
}


class Malformed(APIException):
    """A body that does not have the shape of its operation."""

    status_code = 422

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__()
        self.problems = problems


def problem(kind: str, message: str, *place: str | int, ctx: dict[str, str] | None = None) -> dict[str, Any]:
    """One entry of a 422 in pydantic's form: the problem, and its place in the body.

    Pydantic adds the `input`. Here it is left out, because it may be a password, or text that JSON cannot carry.
    """
    return {"type": kind, "loc": ["body", *place], "msg": message} | ({"ctx": ctx} if ctx else {})


def value_problem(reason: str, field: str) -> dict[str, Any]:
    """A value of the right type that is not allowed."""
    message = f"value is not a valid email address: {reason}" if field == "email" else f"Value error, {reason}"
    return problem("value_error", message, field, ctx={"reason": reason})


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    error = as_api_exception(error)
    if isinstance(error, AccountError):
        return _account_error(error, context["view"].words)
    if isinstance(error, Malformed):
        return Response({"detail": error.problems}, status=error.status_code)
    if isinstance(error, APIException):
        # DRF answers 403 to a missing token if no authentication scheme has a challenge.
        is_unknown = isinstance(error, NotAuthenticated | AuthenticationFailed)
        status = 401 if is_unknown else error.status_code
        return Response({"detail": STATUS_WORDS[status]}, status=status)
    return None


def _account_error(error: AccountError, words: dict[ErrorCode, Word]) -> Response:
    wire = WIRE[error.code]
    reason = " ".join(error.reasons)
    detail: Any = words.get(error.code, wire.word)
    if wire.field is not None:
        detail = [value_problem(reason, wire.field)]
    elif error.code is ErrorCode.PASSWORD_INVALID:
        detail = {"code": detail, "reason": reason}
    elif error.details:
        detail = {"code": detail, **error.details}
    return Response({"detail": detail}, status=wire.status, headers=retry_header(error))
