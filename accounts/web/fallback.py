"""Answers for requests that belong to no dialect: JSON, never HTML."""

import sys
from collections.abc import Mapping

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from accounts.api.common.bodies import BodyTooLarge
from accounts.api.common.errors import database_is_away, is_of_the_server, retry_header


def _answer(status: int, code: str, detail: str, *, headers: Mapping[str, str] = {}) -> JsonResponse:
    body = {"detail": detail, "code": code}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store", **headers})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    if isinstance(exception, RequestDataTooBig):
        return _answer(413, BodyTooLarge.default_code, str(BodyTooLarge.default_detail))
    return _answer(400, "bad_request", _("The request cannot be read."))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _answer(403, "permission_denied", _("You do not have permission to perform this action."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _answer(404, "not_found", _("Not found."))


def server_error(request: HttpRequest) -> JsonResponse:
    error = sys.exc_info()[1]
    if is_of_the_server(error):
        refusal = database_is_away(error)
        return _answer(503, refusal.code, refusal.sentences[0], headers=retry_header(refusal))
    return _answer(500, "error", _("Something went wrong. It has been noted."))
