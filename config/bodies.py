"""Checks a request's body before Django reads it: it is complete, has a length within the limit, and a charset for
text.
"""

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import gevent
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.utils.http import parse_header_parameters
from gunicorn.http.errors import ParseException

LONGEST_CHARSET = 40
# How long the client may take to send a body.
BODY_SECONDS = 30
# How many bytes of a body are read before other requests have their turn.
PIECE = 8192
ASCII = bytes(range(128))


@lru_cache(maxsize=64)
def extends_ascii(charset: str) -> bool:
    """Whether `charset` encodes ASCII letters like ASCII. rot13, idna, utf-16, bz2 and others do not."""
    try:
        return ASCII.decode(charset) == ASCII.decode("ascii")
    except (LookupError, ValueError):
        return False


class RefusedBody:
    """A body whose reading raises `error`. Each dialect answers that in its own way."""

    def __init__(self, error: SuspiciousOperation) -> None:
        self.error = error

    def read(self, size: int = -1) -> NoReturn:
        raise self.error

    readline = read


class BoundedBodies:
    """Reads the body first. It sets the length of a body in chunks, which Django needs, and refuses a body that is too
    long or too slow.

    Django and DRF treat a body without a length as empty.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "charset" in environ.get("CONTENT_TYPE", "").lower():
            type, parameters = parse_header_parameters(environ["CONTENT_TYPE"])
            if not extends_ascii(parameters.get("charset", "utf-8")[:LONGEST_CHARSET]):
                # Django would also decode the query string with it, and fail before it can answer.
                environ["CONTENT_TYPE"] = type
        is_chunked = environ.pop("HTTP_TRANSFER_ENCODING", None) is not None
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if is_chunked or length:
            try:
                body = _read(environ["wsgi.input"], None if is_chunked else length)
            except RequestDataTooBig as error:
                environ["CONTENT_LENGTH"] = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
                environ["wsgi.input"] = RefusedBody(error)
            except SuspiciousOperation as error:
                # Any length except zero, because a body without a length is not read.
                environ["CONTENT_LENGTH"] = "1"
                environ["wsgi.input"] = RefusedBody(error)
            else:
                environ["CONTENT_LENGTH"] = str(len(body))
                environ["wsgi.input"] = io.BytesIO(body)
        return self.application(environ, start_response)


def _read(stream: Any, length: int | None) -> bytes:
    """Reads the whole body. length: None if it comes in chunks. Raises SuspiciousOperation for a refused body."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    wanted = most + 1 if length is None else length
    if length is not None and length > most:
        raise RequestDataTooBig("A body is too large.")
    body = b""
    try:
        with gevent.Timeout(BODY_SECONDS):
            while len(body) < wanted and (piece := stream.read(min(PIECE, wanted - len(body)))):
                body += piece
                if len(piece) == PIECE:
                    gevent.sleep(0)
    except gevent.Timeout:
        raise SuspiciousOperation("A body came too slowly.") from None
    except (OSError, ParseException):
        raise SuspiciousOperation("A body ended too early, or its chunks are broken.") from None
    if len(body) > most:
        raise RequestDataTooBig("A body is too large.")
    if length is not None and len(body) < length:
        raise SuspiciousOperation("A body ended too early.")
    return body
