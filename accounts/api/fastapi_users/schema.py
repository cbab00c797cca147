"""How an operation of FastAPI Users stands in the OpenAPI document, and the document of this dialect alone."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import Serializer

from accounts.api.fastapi_users.errors import STATUS_WORDS, Word

AUTH_TAG = "fastapi-users-auth"
USERS_TAG = "fastapi-users-users"
FORM = ("application/x-www-form-urlencoded", "multipart/form-data")
NULL = {"nullable": True, "enum": [None]}
TOKEN_AUTH: list[Any] = [{"OAuth2PasswordBearer": []}, {"APIKeyCookie": []}]


# A component of its own, because generators cannot name a choice of types inside a list.
@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]}, component_name="ValidationErrorPlace")
class Place(serializers.Field[Any, Any, Any, Any]):
    """The name of a field, or a position in a text."""


class ValidationError(serializers.Serializer[Any]):
    type = serializers.ChoiceField(
        choices=[
            "missing",
            "json_invalid",
            "model_attributes_type",
            "string_type",
            "string_pattern_mismatch",
            "bool_type",
            "bool_parsing",
            "value_error",
        ]
    )
    loc = serializers.ListField(child=Place())
    msg = serializers.CharField()
    ctx = serializers.DictField(child=serializers.CharField(), required=False)


class HTTPValidationError(serializers.Serializer[Any]):
    detail = ValidationError(many=True)


def operation(
    summary: Any,
    *,
    id: str,
    tag: str,
    success: dict[int, Any],
    body: type[Serializer[Any]] | None = None,
    media_types: tuple[str, ...] = ("application/json",),
    words: tuple[Word, ...] = (),
    with_reason: tuple[Word, ...] = (),
    refusals: tuple[int, ...] = (),
    forbidden: tuple[Word, ...] = (),
    **kwargs: Any,
) -> Callable[[Any], Any]:
    """extend_schema with what every operation of the dialect may answer.

    id: the operation id that FastAPI gives it. words: what a 400 may say; with_reason: those that come with a reason.
    refusals: the other statuses, whose word FastAPI decides. forbidden: what a 403 may say as well.
    """
    responses: dict[int, Any] = dict(success)
    if body is not None:
        responses[400] = _refusal(*words, Word.BODY_UNREADABLE, with_reason=with_reason)
        responses[422] = HTTPValidationError
    elif words:
        responses[400] = _refusal(*words)
    for status in (*refusals, 413, *((429, 503) if body else ())):
        responses[status] = _refusal(STATUS_WORDS[status], *(forbidden if status == 403 else ()))
    return extend_schema(
        operation_id=id,
        summary=summary,
        # The description would be the docstring of a base class.
        description="",
        tags=[tag],
        request=dict.fromkeys(media_types, body) if body else None,
        responses=responses,
        **kwargs,
    )


def _refusal(*words: Word, with_reason: tuple[Word, ...] = ()) -> dict[str, Any]:
    detail: dict[str, Any] = {"type": "string", "enum": [str(word) for word in words]}
    if with_reason:
        code = {"type": "string", "enum": [str(word) for word in with_reason]}
        detail = {"oneOf": [detail, _object(code=code, reason={"type": "string"})]}
    return _object(detail=detail)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
