import logging
from typing import TypeGuard

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InternalError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from psycopg import Error as PsycopgError
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework.exceptions import NotFound, ParseError

from accounts.api.common.bodies import BodyTooLarge
from accounts.core.errors import AccountError, ErrorCode

logger = logging.getLogger(__name__)

# Seconds after which a client may try again if the database is away.
DATABASE_RETRY = 2
# Refusals that are temporary, and their status.
PASSES = {ErrorCode.RATE_LIMITED: 429, ErrorCode.OVERLOADED: 503, ErrorCode.PROVIDER_UNAVAILABLE: 503}


def retry_header(error: AccountError) -> dict[str, str]:
    """The header Retry-After, if the refusal knows the time (RFC 9110 §10.2.3)."""
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def with_status(page: HttpResponse, refusal: AccountError | None) -> HttpResponse:
    """Gives a page about a refusal the status and the Retry-After of a temporary one."""
    if refusal is not None and refusal.code in PASSES:
        page.status_code = PASSES[refusal.code]
        for name, value in retry_header(refusal).items():
            page.headers[name] = value
    return page


def is_of_the_server(error: object) -> TypeGuard[DatabaseError]:
    """Whether the database is away, busy, slow or read-only, so that another try may succeed."""
    if isinstance(error, InternalError):
        cause = error.__cause__
        # psycopg's error without a code does not come from PostgreSQL: PgBouncer has closed the connection.
        return isinstance(cause, ReadOnlySqlTransaction) or (isinstance(cause, PsycopgError) and cause.sqlstate is None)
    return isinstance(error, OperationalError)


def database_is_away(error: DatabaseError) -> AccountError:
    """The refusal for what is_of_the_server(); it is logged."""
    logger.error("the database failed", extra={"error": str(error).partition("\n")[0]})
    return AccountError(ErrorCode.OVERLOADED, data={"retry_after": DATABASE_RETRY})


def as_api_exception(error: Exception) -> Exception:
    """A refusal or an exception of DRF for errors that DRF leaves to Django's HTML pages; other errors unchanged."""
    if is_of_the_server(error):
        return database_is_away(error)
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge()
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return ParseError(_("The body cannot be read."))
    if isinstance(error, Http404):
        return NotFound()
    return error
