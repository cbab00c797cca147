"""Describes the operations of FastAPI Users for the OpenAPI document, and serves a document with only this dialect."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import Serializer

from accounts.api.common.documents import RETRY_AFTER, component
from accounts.api.fastapi_users.errors import STATUS_WORDS, Word

AUTH_TAG = "fastapi-users-auth"
USERS_TAG = "fastapi-users-users"
FORM = ("application/x-www-form-urlencoded", "multipart/form-data")
# Any value, as in the package's document. Generators make a text, or nothing, of an enum of null.
NULL = {"nullable": True}
TOKEN_AUTH: list[Any] = [{"OAuth2PasswordBearer": []}, {"APIKeyCookie": []}]


# A component of its own, because generators cannot name a choice of types inside a list.
@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]}, component_name="ValidationErrorPlace")
class Place(serializers.Field[Any, Any, Any, Any]):
    """The name of a field, or a position in a text."""


PROBLEMS = [
    "missing",
    "json_invalid",
    "model_attributes_type",
    "string_type",
    "string_pattern_mismatch",
    "bool_type",
    "bool_parsing",
    "value_error",
]


class ValidationError(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=PROBLEMS)
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
    refusal: str = "",
    media_types: tuple[str, ...] = ("application/json",),
    words: tuple[Word, ...] = (),
    with_reason: tuple[Word, ...] = (),
    refusals: tuple[int, ...] = (),
    forbidden: tuple[Word, ...] = (),
    challenges: bool = False,
    unavailable: Word | None = None,
    query: tuple[OpenApiParameter, ...] = (),
    **kwargs: Any,
) -> Callable[[Any], Any]:
    """extend_schema with the answers that every operation of the dialect may give.

    id: the operation id as FastAPI makes it. refusal: the name of the component of a 400; the body's name by default.
    words: the words of a 400; with_reason: those that come with a reason. refusals: the other statuses, whose words are
    FastAPI's. forbidden: further words of a 403. challenges: whether a 403 may carry a challenge. unavailable: a
    further word of a 503. query: parameters of the path and the query.
    """
    refusal = refusal or (body.__name__ if body else "")
    responses: dict[int, Any] = dict(success)
    if body is not None:
        responses[400] = _refusal(refusal, *words, Word.BODY_UNREADABLE, with_reason=with_reason)
        responses[422] = HTTPValidationError
    elif words:
        responses[400] = _refusal(refusal, *words)
    for status in (*refusals, 413, 503, *((429,) if body else ())):
        word = STATUS_WORDS[status]
        more = (Word.MFA_ENROLMENT_REQUIRED,) if status == 403 else ()
        responses[status] = _refusal(word.name.title().replace("_", ""), word, *more)
    if unavailable:
        responses[503] = _refusal("Unavailable", STATUS_WORDS[503], unavailable)
    if forbidden:
        responses[403] = _refusal(f"{refusal}Forbidden", STATUS_WORDS[403], Word.MFA_ENROLMENT_REQUIRED, *forbidden)
    if challenges:
        responses[403] = _challenge()
    return extend_schema(
        operation_id=id,
        summary=summary,
        # The description would be the docstring of a base class.
        description="",
        tags=[tag],
        request=dict.fromkeys(media_types, body) if body else None,
        responses=dict(sorted(responses.items())),
        parameters=[*query, RETRY_AFTER],
        **kwargs,
    )


def _refusal(name: str, *words: Word, with_reason: tuple[Word, ...] = ()) -> dict[str, Any]:
    detail = _words(words)
    if not with_reason:
        return _object(f"{name}Refusal", detail=component(f"{name}Word", detail))
    reason = _object(
        f"{name}Reason", code=component(f"{name}ReasonWord", _words(with_reason)), reason={"type": "string"}
    )
    # The words have no component of their own: generated Kotlin of a choice with a named enum does not compile.
    return _object(f"{name}Refusal", detail=component(f"{name}Detail", {"oneOf": [detail, reason]}))


def _challenge() -> dict[str, Any]:
    """A login that goes on at /auth/jwt/mfa or /auth/cookie/mfa."""
    factor = component("MfaFactor", {"type": "string", "enum": ["totp", "passkey", "recovery_code"]})
    asked = _object(
        "MfaChallenge",
        code=component("MfaChallengeWord", _words((Word.MFA_REQUIRED,))),
        challenge={"type": "string"},
        factors={"type": "array", "items": factor},
    )
    return _object("MfaRefusal", detail=component("MfaDetail", {"oneOf": [_words((STATUS_WORDS[403],)), asked]}))


def _words(words: tuple[Word, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": [str(word) for word in words]}


def _object(name: str, **properties: Any) -> dict[str, Any]:
    return component(name, {"type": "object", "properties": properties, "required": list(properties)})
