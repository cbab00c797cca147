"""Documents for developers are made once, and clients that have cached one get 304."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.api.common import documents

DOCUMENTS = ["/api/schema/", "/api/auth/schema/", "/api/schema/?format=json", "/api/schema/?lang=uk", "/openapi.json"]
PAGES = ["/api/docs/", "/api/docs/?script=", "/api/redoc/", "/graph/"]


@pytest.fixture(autouse=True)
def _nothing_made() -> None:
    documents._document.cache_clear()


def get(path: str, **headers: str) -> Any:
    return Client().get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def count_made(*paths: str) -> int:
    """How many documents are made while these are requested."""
    with patch.object(SchemaGenerator, "get_schema", autospec=True, side_effect=SchemaGenerator.get_schema) as made:
        for path in paths:
            assert get(path).status_code == 200
    return made.call_count


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*DOCUMENTS, *PAGES, "/.well-known/jwks.json"])
def test_is_sent_once(path: str) -> None:
    answer = get(path)
    tag = answer.headers["ETag"]
    assert tag.startswith('"')
    again = get(path, If_None_Match=tag)
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert again.headers[name] == answer.headers[name]
    assert get(path, If_None_Match='"another"').content == answer.content


@pytest.mark.parametrize("path", [*DOCUMENTS, *PAGES])
def test_is_kept_for_five_minutes(path: str) -> None:
    assert get(path).headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_is_made_once(path: str) -> None:
    assert count_made(path, path, path) == 1


def test_each_language_and_format_is_made_once() -> None:
    paths = [
        f"/api/schema/?format={kind}&lang={language}" for kind in ("json", "yaml") for language in ("en", "ru", "uk")
    ]
    paths += [f"/openapi.json?lang={language}" for language in ("en", "ru", "uk")]
    assert len({get(path).content for path in paths}) == len(paths)
    documents._document.cache_clear()
    assert count_made(*paths, *paths) == len(paths)


def test_unknown_parameters_make_no_further_documents() -> None:
    unknown = [
        f"{start}{name}={number}"
        for start in ("/api/schema/?", "/openapi.json?")
        for name in ("lang", "media", "version", "x")
        for number in range(5)
    ]
    assert count_made(*unknown) == 2
    assert get("/api/schema/?version=2").content == get("/api/schema/").content


def test_follows_the_setting(settings: Any) -> None:
    optional = get("/api/schema/").content
    settings.EMAIL_VERIFICATION = "mandatory"
    assert get("/api/schema/").content != optional


def test_language_is_told() -> None:
    assert get("/api/schema/", Accept_Language="uk").headers["Content-Language"] == "ru"
    assert get("/openapi.json", Accept_Language="uk").headers["Content-Language"] == "uk"
    assert get("/openapi.json?lang=ru", Accept_Language="uk").headers["Content-Language"] == "ru"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api/schema/", "application/vnd.oai.openapi; charset=utf-8"), ("/openapi.json", "application/json")],
)
@pytest.mark.parametrize("accepted", ["*/*", "text/html", "image/png", "application/xml", "nonsense", ""])
def test_who_accepts_none_of_the_formats_gets_the_first(path: str, kind: str, accepted: str) -> None:
    answer = get(path, Accept=accepted)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert answer.content == get(path).content


@pytest.mark.parametrize(("path", "status"), [("/api/schema/?format=xml", 404), ("/openapi.json?format=yaml", 404)])
def test_refusals_are_not_kept(path: str, status: int) -> None:
    answer = get(path)
    assert (answer.status_code, "Cache-Control" in answer.headers) == (status, False)


FORMS = ["application/x-www-form-urlencoded", "multipart/form-data"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["application/json", "multipart/form-data", "application/x-www-form-urlencoded"]),
        ("&media=form", ["multipart/form-data", "application/x-www-form-urlencoded", "application/json"]),
        ("&media=json", ["application/json"]),
    ],
)
def test_the_order_of_media_types(query: str, expected: list[str]) -> None:
    """Generators of SDKs take the first one (contract, AuthApi)."""
    paths = get(f"/api/schema/?format=json{query}").json()["paths"]
    bodies = {
        path: list(operation["requestBody"]["content"])
        for path, operations in paths.items()
        for operation in operations.values()
        if "requestBody" in operation
    }
    assert bodies["/api/auth/login/"] == expected
    assert {tuple(types) for path, types in bodies.items() if path.startswith("/api/auth/")} == {tuple(expected)}
    # A form alone stays one.
    assert sorted(bodies["/auth/jwt/login"]) == FORMS


def test_the_document_of_the_authapi_alone() -> None:
    """Contract, AuthApi: the same operations as in the document of both dialects, and the components that they need."""
    both, alone = (json.loads(get(f"{path}?format=json").content) for path in ("/api/schema/", "/api/auth/schema/"))
    assert alone["paths"] == {path: it for path, it in both["paths"].items() if path.startswith("/api/auth/")}
    assert len(alone["paths"]) == 39
    assert alone["components"]["schemas"].items() <= both["components"]["schemas"].items()
    assert "UserRead" not in alone["components"]["schemas"]
    assert set(alone["components"]["securitySchemes"]) == {"jwtAuth"}
    assert get("/api/auth/schema").content == get("/api/auth/schema/").content


@pytest.mark.parametrize("path", [*DOCUMENTS, *PAGES[:3]])
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
def test_they_are_read_alone(path: str, method: str) -> None:
    answer = Client().generic(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
