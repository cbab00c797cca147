"""Refusals for Durudex clients: GraphQL errors whose `extensions.code` is one of the gateway's words."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext
from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

from accounts.api.common.errors import database_is_away, is_of_the_server, retry_header
from accounts.core.errors import AccountError, AccountErrors, ErrorCode

logger = logging.getLogger(__name__)


class Word(StrEnum):
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    UNAUTHORIZED = "UNAUTHORIZED"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    SERVER_ERROR = "SERVER_ERROR"
    RATE_LIMITED = "RATE_LIMITED"


@dataclass(frozen=True, kw_only=True)
class Wire:
    """field: the input field in `extensions.fields`; None if the refusal is not about a single field."""

    word: Word = Word.INVALID_ARGUMENT
    field: str | None = None


WIRE: dict[ErrorCode, Wire] = {
    ErrorCode.INVALID_CREDENTIALS: Wire(),
    ErrorCode.EMAIL_NOT_VERIFIED: Wire(),
    ErrorCode.USERNAME_INVALID: Wire(field="username"),
    ErrorCode.USERNAME_TAKEN: Wire(field="username", word=Word.ALREADY_EXISTS),
    ErrorCode.EMAIL_INVALID: Wire(field="email"),
    ErrorCode.EMAIL_TAKEN: Wire(field="email", word=Word.ALREADY_EXISTS),
    ErrorCode.PASSWORD_INVALID: Wire(field="password"),
    ErrorCode.WRONG_PASSWORD: Wire(field="password"),
    ErrorCode.INVALID_VERIFICATION_KEY: Wire(),
    ErrorCode.EMAIL_ALREADY_VERIFIED: Wire(),
    ErrorCode.INVALID_NOTICE_KEY: Wire(),
    ErrorCode.INVALID_RESET_TOKEN: Wire(field="token"),
    ErrorCode.INVALID_CODE: Wire(field="code"),
    ErrorCode.MFA_REQUIRED: Wire(word=Word.UNAUTHORIZED),
    ErrorCode.MFA_ENROLMENT_REQUIRED: Wire(word=Word.UNAUTHORIZED),
    ErrorCode.INVALID_CHALLENGE: Wire(field="challenge"),
    # Only the AuthApi changes factors.
    ErrorCode.INVALID_OFFER: Wire(),
    ErrorCode.INVALID_PASSKEY: Wire(),
    ErrorCode.TOO_MANY_PASSKEYS: Wire(),
    ErrorCode.FACTOR_EXISTS: Wire(),
    ErrorCode.FACTOR_NOT_FOUND: Wire(),
    # No client of this dialect logs in with another provider.
    ErrorCode.PROVIDER_NOT_FOUND: Wire(word=Word.NOT_FOUND),
    ErrorCode.PROVIDER_UNAVAILABLE: Wire(word=Word.SERVER_ERROR),
    ErrorCode.PROVIDER_REFUSED: Wire(),
    ErrorCode.PROVIDER_STATE_UNREADABLE: Wire(),
    ErrorCode.PROVIDER_STATE_INVALID: Wire(),
    ErrorCode.PROVIDER_WITHOUT_EMAIL: Wire(),
    ErrorCode.PROVIDER_USER_EXISTS: Wire(word=Word.ALREADY_EXISTS),
    ErrorCode.REDIRECT_URI_INVALID: Wire(),
    ErrorCode.IDENTITY_TAKEN: Wire(word=Word.ALREADY_EXISTS),
    ErrorCode.IDENTITY_NOT_FOUND: Wire(word=Word.NOT_FOUND),
    ErrorCode.LAST_WAY_IN: Wire(),
    ErrorCode.TOKEN_NOT_VALID: Wire(word=Word.UNAUTHORIZED),
    ErrorCode.SESSION_NOT_FOUND: Wire(word=Word.NOT_FOUND),
    ErrorCode.AVATAR_URL_INVALID: Wire(field="avatarUrl"),
    ErrorCode.REAUTHENTICATION_REQUIRED: Wire(word=Word.UNAUTHORIZED),
    ErrorCode.USER_NOT_FOUND: Wire(word=Word.NOT_FOUND),
    # Only the AuthApi has the header Idempotency-Key.
    ErrorCode.IDEMPOTENCY_KEY_INVALID: Wire(),
    ErrorCode.IDEMPOTENCY_KEY_IN_USE: Wire(),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Wire(),
    ErrorCode.LAST_SUPERUSER: Wire(),
    ErrorCode.SUPERUSER_PROTECTED: Wire(word=Word.UNAUTHORIZED),
    ErrorCode.RATE_LIMITED: Wire(word=Word.RATE_LIMITED),
    ErrorCode.OVERLOADED: Wire(word=Word.SERVER_ERROR),
}


class TookTooLong(Exception):
    """A request ran into its time limit."""


def refusal(message: Any, word: Word = Word.INVALID_ARGUMENT) -> dict[str, Any]:
    """An error that belongs to no field of the answer."""
    return {"message": str(message), "extensions": {"code": word}}


def render(error: GraphQLError) -> dict[str, Any]:
    """One error of an execution as the client gets it. Unexpected errors are logged, and sent without details."""
    if is_of_the_server(error.original_error):
        error.original_error = database_is_away(error.original_error)
    cause = error.original_error
    if isinstance(cause, AccountError):
        told = _account_error(cause)
    elif isinstance(cause, TookTooLong):
        told = refusal(gettext("The query took too long."), Word.SERVER_ERROR)
    elif cause is not None and not isinstance(cause, GraphQLError):
        logger.error("a resolver failed", exc_info=cause)
        told = refusal(gettext("Something went wrong. It has been noted."), Word.INTERNAL_SERVER_ERROR)
    else:
        told = refusal(error.message)
    where = error.formatted
    return told | {name: where[name] for name in ("locations", "path") if name in where}


def retry_after(errors: list[GraphQLError]) -> dict[str, str]:
    """The Retry-After header of the first error that knows one."""
    refusals = (error.original_error for error in errors)
    headers = (retry_header(refusal) for refusal in refusals if isinstance(refusal, AccountError))
    return next((header for header in headers if header), {})


def _account_error(error: AccountError) -> dict[str, Any]:
    fields: dict[str, list[str]] = {}
    for one in error.errors if isinstance(error, AccountErrors) else (error,):
        field = WIRE[one.code].field
        if field is not None:
            fields.setdefault(field, []).extend(one.sentences)
    told = refusal(error.sentences[0], WIRE[error.code].word)
    if fields:
        told["extensions"]["fields"] = fields
    told["extensions"] |= {to_camel_case(name): value for name, value in error.data.items()}
    return told
