"""Reads bodies and writes answers like FastAPI, whatever the client accepts."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import JSONRenderer

from accounts.api.common.views import JSONNegotiation
from accounts.api.fastapi_users.errors import Malformed, problem


class FastAPINegotiation(JSONNegotiation):
    """Takes the last parser for a type that no parser is made for."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return super().select_parser(request, parsers) or parsers[-1]


class JSONBodyParser(JSONParser):
    """Parses JSON. A body of another type stays bytes, which fit no shape."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read()
        main, _slash, subtype = (media_type or "").partition(";")[0].strip().lower().partition("/")
        if main != "application" or not (subtype == "json" or subtype.endswith("+json")):
            return body
        try:
            return json.loads(body)
        except json.JSONDecodeError as error:
            raise Malformed(
                [problem("json_invalid", "JSON decode error", error.pos, ctx={"error": error.msg})]
            ) from None
        except (ValueError, RecursionError):
            raise ParseError from None


class NoBodyParser(BaseParser):
    """For a body that is not read."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        return {}


class NullableJSONRenderer(JSONRenderer):
    """JSON that writes `null` for an empty answer, except if the status allows no body."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> Any:
        if data is None and renderer_context["response"].status_code != 204:
            return b"null"
        return super().render(data, accepted_media_type, renderer_context)
