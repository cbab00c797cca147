"""Describes the operations of the AuthApi for the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.serializers import Serializer

from accounts.api.authapi.serializers import RefusalSerializer
from accounts.api.common.documents import RETRY_AFTER, DocumentView, component
from accounts.core.conf import conf

# The security that AuthApi.md shows for operations that need no login and accept one.
OPTIONAL_AUTH: list[Any] = [{"jwtAuth": []}, {}]
REQUIRED_AUTH: list[Any] = [{"jwtAuth": []}]
NO_AUTH: list[Any] = []
BODY_REFUSALS = (413, 415, 429)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A new text for each act. Who repeats the request under it within a day gets the first answer again.",
)


def operation(
    summary: Any,
    *,
    success: dict[int, Any],
    request: type[Serializer[Any]] | None = None,
    refusals: tuple[int, ...] = (),
    special: dict[int, Any] | None = None,
    repeatable: bool = False,
    parameters: tuple[OpenApiParameter, ...] = (),
    **kwargs: Any,
) -> Callable[[Any], Any]:
    """extend_schema with the operation's summary, bodies and refusals.

    success: the serializer of each status. refusals: the statuses in addition to 503, which every operation may answer,
    and to those of every body of a `request`; 400 names the fields. repeatable: whether it accepts Idempotency-Key.
    special: the refusals with a serializer of their own.
    """
    responses: dict[int, Any] = {**success, **(special or {})}
    for status in (*refusals, 503, *(BODY_REFUSALS if request else ()), *((409, 422) if repeatable else ())):
        responses[status] = RefusalSerializer
    if request or 400 in refusals:
        responses[400] = _body_refusal(request)
    return extend_schema(
        summary=summary,
        request=request,
        responses=dict(sorted(responses.items())),
        parameters=[*parameters, RETRY_AFTER, *([IDEMPOTENCY_KEY] if repeatable else [])],
        **kwargs,
    )


def _body_refusal(request: type[Serializer[Any]] | None) -> dict[str, Any]:
    """Sentences under the fields of the body, or `detail` and `code`.

    Both are one object, because most generators cannot distinguish the two and make a choice of types untyped data.
    """
    name = request.__name__.removesuffix("Serializer") if request else "Body"
    fields = [name for name, field in request().fields.items() if not field.read_only] if request else []
    sentences = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    properties = {
        **dict.fromkeys([*fields, "non_field_errors"], sentences),
        "detail": {"type": "string"},
        "code": {"$ref": "#/components/schemas/ErrorCode"},
    }
    return component(f"{name}Refusal", {"type": "object", "properties": properties})


def describe_registration(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's hook: with mandatory verification a registration answers without tokens."""
    if conf.verification_is_mandatory:
        answer = result["paths"]["/api/auth/registration/"]["post"]["responses"]["201"]
        answer["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/RestAuthDetail"}
    return result


class SchemaView(DocumentView):
    """The document of both HTTP dialects. Its summaries are Russian unless another language is asked for."""

    default_language = "ru"
