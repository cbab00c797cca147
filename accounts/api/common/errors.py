from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ParseError

from accounts.api.common.bodies import BodyTooLarge
from accounts.core.errors import AccountError


def retry_header(error: AccountError) -> dict[str, str]:
    """The header Retry-After, where the refusal knows the time (RFC 9110 §10.2.3)."""
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def as_api_exception(error: Exception) -> Exception:
    """DRF's exception for what DRF would leave to Django's HTML pages; any other error as it is."""
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge()
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return ParseError(_("The body cannot be read."))
    if isinstance(error, Http404):
        return NotFound()
    return error
