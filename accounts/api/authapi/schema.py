"""How an operation of the AuthApi stands in the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.serializers import Serializer

from accounts.api.authapi.serializers import ErrorSerializer
from accounts.api.common.documents import DocumentView
from accounts.core.conf import conf

# What AuthApi.md shows on operations that authenticate nobody but may be called by somebody who is logged in.
OPTIONAL_AUTH: list[Any] = [{"jwtAuth": []}, {}]
REQUIRED_AUTH: list[Any] = [{"jwtAuth": []}]
NO_AUTH: list[Any] = []
BODY_REFUSALS = (413, 415, 429, 503)


def operation(
    summary: Any,
    *,
    success: dict[int, Any],
    request: type[Serializer[Any]] | None = None,
    refusals: tuple[int, ...] = (),
    repeatable: bool = False,
    **kwargs: Any,
) -> Callable[[Any], Any]:
    """extend_schema with the operation's summary, bodies and refusals.

    success: status to serializer. refusals: the statuses beyond 400 and those that every body may get; 400 tells
    the fields of `request`. repeatable: whether it heeds Idempotency-Key.
    """
    responses: dict[int, Any] = {**success, 400: _field_errors(request)}
    for status in refusals + ((409, 422) if repeatable else ()) + (BODY_REFUSALS if request else ()):
        responses[status] = ErrorSerializer
    return extend_schema(summary=summary, request=request, responses=responses, **kwargs)


def _field_errors(request: type[Serializer[Any]] | None) -> dict[str, Any]:
    fields = [name for name, field in request().fields.items() if not field.read_only] if request else []
    messages = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": dict.fromkeys([*fields, "non_field_errors"], messages),
                "additionalProperties": False,
                "minProperties": 1,
            },
            {"$ref": "#/components/schemas/Error"},
        ]
    }


def describe_registration(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's hook: with mandatory verification a registration answers without tokens."""
    if conf.verification_is_mandatory:
        answer = result["paths"]["/api/auth/registration/"]["post"]["responses"]["201"]
        answer["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/RestAuthDetail"}
    return result


class SchemaView(DocumentView):
    """The document of both HTTP dialects. Its summaries are Russian unless another language is asked for."""

    default_language = "ru"
