"""Checks every response of the tests against the OpenAPI document."""

import functools
import json
import re
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS30ReadValidator

from accounts.core.conf import conf

# Answers to requests that reach no operation. No operation's document lists them.
NO_OPERATION = {400, 404, 405}
# Statuses after which the client may ask again, with Retry-After.
WAITING = {429, 503}
# Each dialect has its own shape of such an answer.
FASTAPI_USERS = re.compile(r"/(?:auth|users)(?:/|\Z)")
FASTAPI_ERROR = {
    "type": "object",
    "properties": {"detail": {"type": "string"}},
    "required": ["detail"],
    "additionalProperties": False,
}
# The refusal of a login that needs a second factor.
CHALLENGE = {"challenge", "factors", "ephemeral_token", "mfa_required"}
AUTHAPI_ERROR = {"$ref": "#/components/schemas/Refusal"}


def document() -> dict[str, Any]:
    """The document as it is served with the present settings."""
    return _document(conf.verification_is_mandatory)


@functools.cache
def _document(verification_is_mandatory: bool) -> dict[str, Any]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    loaded: dict[str, Any] = json.loads(json.dumps(schema, default=str))
    return loaded


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    # A path without parameters comes before a template that it would also match.
    for template in sorted(document()["paths"], key=lambda template: template.count("{")):
        if _pattern(template).match(path):
            operation: dict[str, Any] | None = document()["paths"][template].get(method.lower())
            return operation
    return None


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    # The document contains one spelling; both work.
    spellings = re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(template)) + ("?" if template.endswith("/") else "")
    return re.compile(spellings + r"\Z")


def check(method: str, path: str, response: Any) -> None:
    """Raises AssertionError unless the document allows this answer of `path`."""
    operation = find_operation(method, path)
    said = response.content.decode()
    where = f"{method} {path} -> {response.status_code} {said[:300]}"
    if response.status_code == 307:
        assert (path.endswith("/"), operation, said) == (True, None, ""), where
        return
    if operation is None:
        assert response.status_code in NO_OPERATION | {401}, where
        if method != "HEAD":
            _validate(FASTAPI_ERROR if FASTAPI_USERS.match(path) else AUTHAPI_ERROR, json.loads(said), where)
        return
    responses = operation["responses"]
    if response.status_code == 400 and "400" not in responses and json.loads(said).get("code") == "bad_request":
        # Django refused it before the operation, because it knows no host of that name.
        _validate(AUTHAPI_ERROR, json.loads(said), where)
        return
    assert str(response.status_code) in responses, f"not in the document: {where}"
    content = responses[str(response.status_code)].get("content")
    if content is None:
        assert said == "", where
        return
    media_type = response.headers["Content-Type"].split(";")[0]
    assert media_type in content, where
    _validate(content[media_type]["schema"], json.loads(said), where)
    if response.status_code in WAITING:
        assert int(response.headers["Retry-After"]) > 0, where
    if response.status_code >= 400 and not FASTAPI_USERS.match(path):
        _check_refusal(json.loads(said), where)


def _validate(schema: dict[str, Any], value: Any, where: str) -> None:
    if schema == {"nullable": True}:
        # OpenAPI cannot say it: only null is allowed.
        assert value is None, where
    validator = _validator(json.dumps(schema), conf.verification_is_mandatory)
    errors = [error.message for error in validator.iter_errors(value)]
    assert not errors, f"{where}: {errors}"


@functools.cache
def _validator(schema: str, verification_is_mandatory: bool) -> OAS30ReadValidator:
    components = _strict(_document(verification_is_mandatory)["components"])
    return OAS30ReadValidator({**json.loads(schema), "components": components})


def _strict(schema: Any) -> Any:
    """The schema without further properties. Clients are told to expect more, but we do not send more."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(each) for key, each in schema.items()}
    return {"additionalProperties": False, **strict} if isinstance(schema.get("properties"), dict) else strict


def _check_refusal(refusal: dict[str, Any], where: str) -> None:
    """A refusal of the AuthApi has a sentence and its code, or sentences under fields."""
    if refusal.keys() & {"detail", "code"}:
        data = CHALLENGE if refusal.get("code") == "mfa_required" else set()
        assert set(refusal) == {"detail", "code"} | data, where
    else:
        assert refusal, where
