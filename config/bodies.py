"""What a request's body is before Django reads it: it has a length and an end, nobody reads more than the limit, and
its charset is one that text comes in."""

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.utils.http import parse_header_parameters
from gunicorn.http.errors import ParseException

LONGEST_CHARSET = 40
ASCII = bytes(range(128))


@lru_cache(maxsize=64)
def extends_ascii(charset: str) -> bool:
    """Whether a text in `charset` has the letters of ASCII where ASCII has them: not so rot13, idna, utf-16, bz2, …"""
    try:
        return ASCII.decode(charset) == ASCII.decode("ascii")
    except (LookupError, ValueError):
        return False


class RefusedBody:
    """Raises `error` for whoever reads it: each dialect has its own answer to that."""

    def __init__(self, error: SuspiciousOperation) -> None:
        self.error = error

    def read(self, size: int = -1) -> NoReturn:
        raise self.error

    readline = read


class BoundedBodies:
    """Gives a chunked body the length that Django asks for, and refuses what is longer than the limit.

    Django and DRF take a body without a length for an empty one.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "charset" in environ.get("CONTENT_TYPE", "").lower():
            type, parameters = parse_header_parameters(environ["CONTENT_TYPE"])
            if not extends_ascii(parameters.get("charset", "utf-8")[:LONGEST_CHARSET]):
                # Django would read the query string in it as well, and fail before any answer can be made.
                environ["CONTENT_TYPE"] = type
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
            try:
                body = environ["wsgi.input"].read(most + 1)
            except (OSError, ParseException):
                # Any length but zero: a body without one is not read.
                environ["CONTENT_LENGTH"] = "1"
                environ["wsgi.input"] = RefusedBody(SuspiciousOperation("The chunks of a body are broken."))
            else:
                environ["CONTENT_LENGTH"] = str(len(body))
                environ["wsgi.input"] = io.BytesIO(body)
        if int(environ.get("CONTENT_LENGTH") or 0) > most:
            environ["wsgi.input"] = RefusedBody(RequestDataTooBig("A body is too large."))
        return self.application(environ, start_response)
