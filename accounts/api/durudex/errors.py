"""How a refusal looks to a Durudex client: a GraphQL error whose `extensions.code` is one of the gateway's words."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from graphql import GraphQLError

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
    """field: the input field that `extensions.fields` tells the refusal of, None where it is about no single one."""

    message: Any
    word: Word = Word.INVALID_ARGUMENT
    field: str | None = None


WIRE: dict[ErrorCode, Wire] = {
    ErrorCode.INVALID_CREDENTIALS: Wire(message=_("Unable to log in with provided credentials.")),
    ErrorCode.EMAIL_NOT_VERIFIED: Wire(message=_("E-mail is not verified.")),
    ErrorCode.USERNAME_INVALID: Wire(field="username", message=_("Enter a valid username.")),
    ErrorCode.USERNAME_TAKEN: Wire(
        field="username", word=Word.ALREADY_EXISTS, message=_("A user with that username already exists.")
    ),
    ErrorCode.EMAIL_INVALID: Wire(field="email", message=_("Enter a valid email address.")),
    ErrorCode.EMAIL_TAKEN: Wire(
        field="email", word=Word.ALREADY_EXISTS, message=_("A user is already registered with this e-mail address.")
    ),
    ErrorCode.PASSWORD_INVALID: Wire(field="password", message=_("This password cannot be used.")),
    ErrorCode.WRONG_PASSWORD: Wire(
        field="password", message=_("Your old password was entered incorrectly. Please enter it again.")
    ),
    ErrorCode.INVALID_VERIFICATION_KEY: Wire(message=_("This key is wrong, used or expired.")),
    ErrorCode.EMAIL_ALREADY_VERIFIED: Wire(message=_("This key is wrong, used or expired.")),
    ErrorCode.INVALID_NOTICE_KEY: Wire(message=_("This key is wrong, used or expired.")),
    ErrorCode.INVALID_RESET_TOKEN: Wire(field="token", message=_("This reset link is wrong, used or expired.")),
    ErrorCode.INVALID_CODE: Wire(field="code", message=_("This code is wrong, used or expired.")),
    ErrorCode.TOKEN_NOT_VALID: Wire(word=Word.UNAUTHORIZED, message=_("Token is invalid or expired")),
    ErrorCode.SESSION_NOT_FOUND: Wire(word=Word.NOT_FOUND, message=_("No such session.")),
    ErrorCode.AVATAR_URL_INVALID: Wire(field="avatarUrl", message=_("Enter a valid https URL.")),
    ErrorCode.USER_NOT_FOUND: Wire(word=Word.NOT_FOUND, message=_("No such user.")),
    ErrorCode.LAST_SUPERUSER: Wire(message=_("The last active superuser has to stay.")),
    ErrorCode.RATE_LIMITED: Wire(word=Word.RATE_LIMITED, message=_("Too many requests. Try again later.")),
}


class TookTooLong(Exception):
    """A request ran into its time limit."""


def refusal(message: Any, word: Word = Word.INVALID_ARGUMENT) -> dict[str, Any]:
    """An error that belongs to no field of the answer."""
    return {"message": str(message), "extensions": {"code": word}}


def render(error: GraphQLError) -> dict[str, Any]:
    """One error of an execution as the client gets it; what nobody expected is logged, and told without a detail."""
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


def _account_error(error: AccountError) -> dict[str, Any]:
    fields: dict[str, list[str]] = {}
    for one in error.errors if isinstance(error, AccountErrors) else (error,):
        field = WIRE[one.code].field
        if field is not None:
            fields.setdefault(field, []).extend(one.reasons or [str(WIRE[one.code].message)])
    wire = WIRE[error.code]
    told = refusal(error.reasons[0] if error.reasons else wire.message, wire.word)
    if fields:
        told["extensions"]["fields"] = fields
    if error.retry_after is not None:
        told["extensions"]["retryAfter"] = error.retry_after
    return told
