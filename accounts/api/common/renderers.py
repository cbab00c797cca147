from typing import Any

import orjson
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
ENCODER = JSONEncoder()


class JSONRenderer(renderers.JSONRenderer):
    """DRF's JSON, written by orjson. DRF's encoder converts the types that orjson does not know."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=ENCODER.default, option=OPTIONS)
