"""GraphQL over HTTP as its specification says, for the clients of Apollo and urql."""

import json
import subprocess
from typing import Any

import pytest
from django.test import Client

from tests.clients.durudex import GRAPHQL_JSON
from tests.contract.test_durudex_typescript import CLIENT, needs_node, node_modules

pytestmark = pytest.mark.django_db(transaction=True)
JSON = "application/json"
PATHS = ["/graph/query", "/graph/v1/query"]
HASH = {
    "persistedQuery": {"version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}
}
GOOD = {"query": "{ __typename }"}
VARIABLE = "query ($id: ID!) { user(id: $id) { id } }"


def post(path: str, body: Any, **headers: str) -> Any:
    return Client().post(path, json.dumps(body), content_type=JSON, headers=headers)


def get(path: str, query: dict[str, str], **headers: str) -> Any:
    return Client().get(path, query, headers=headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("accepted", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        (JSON, JSON),
        ("text/html", JSON),
        ("", JSON),
        ("nonsense", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        # Apollo Client, then urql, then GraphiQL.
        ("application/graphql-response+json,application/json;q=0.9", GRAPHQL_JSON),
        ("application/graphql-response+json, application/graphql+json, application/json", GRAPHQL_JSON),
        ("application/json, multipart/mixed", JSON),
        ("application/json, application/graphql-response+json;q=0.5", JSON),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8;q=0.9", GRAPHQL_JSON),
    ],
)
def test_media_type(path: str, accepted: str | None, media_type: str) -> None:
    headers = {} if accepted is None else {"Accept": accepted}
    type = f"{media_type}; charset=utf-8" if media_type == GRAPHQL_JSON else media_type
    nothing_ran = 400 if media_type == GRAPHQL_JSON else 200
    for body, status in ((GOOD, 200), ({"query": "{"}, nothing_ran), ({}, 400)):
        answer = post(path, body, **headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, type)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "as_json"),
    [
        # These can be read, but nothing of them runs.
        ({"query": "{"}, 200),
        ({"query": "{ nothing }"}, 200),
        ({"query": VARIABLE}, 200),
        ({"query": VARIABLE, "variables": {"id": None}}, 200),
        ({"query": VARIABLE, "variables": {"id": {"a": 1}}}, 200),
        ({**GOOD, "operationName": "Nobody"}, 200),
        ({"query": "{ " + "a: __typename " * 100 + "}"}, 200),
        # These are no GraphQL requests.
        ({}, 400),
        ({"query": ""}, 400),
        ({"query": 1}, 400),
        ([GOOD], 400),
        ({**GOOD, "variables": []}, 400),
        ({**GOOD, "operationName": 1}, 400),
        ({**GOOD, "extensions": []}, 400),
        ({**GOOD, "extensions": "x"}, 400),
        ({**GOOD, "extensions": 0}, 400),
        ({"extensions": {}}, 400),
        ({"extensions": {"persistedQuery": None}}, 400),
    ],
)
def test_status_of_what_does_not_run(path: str, body: Any, as_json: int) -> None:
    for accepted, status in ((JSON, as_json), (GRAPHQL_JSON, 400)):
        answer = post(path, body, Accept=accepted)
        assert (answer.status_code, set(answer.json())) == (status, {"errors"})
        assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"INVALID_ARGUMENT"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accepted", [JSON, GRAPHQL_JSON])
def test_persisted_queries(path: str, accepted: str) -> None:
    """Apollo and urql send the query itself after this message, so it must not depend on the browser's language."""
    unknown = {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "INVALID_ARGUMENT"}}]}
    headers = {"Accept": accepted, "Accept-Language": "uk"}
    as_query = {"operationName": "Q", "variables": "{}", "extensions": json.dumps(HASH)}
    for answer in (
        post(path, {"operationName": "Q", "variables": {}, "extensions": HASH}, **headers),
        post(path, {"query": "", "extensions": HASH}, **headers),
        post(path, {"query": None, "extensions": HASH}, **headers),
        get(path, as_query, **headers),
    ):
        assert (answer.status_code, answer.json()) == (200, unknown)
    # The next request carries both.
    for answer in (
        post(path, {"query": "query Q { __typename }", "operationName": "Q", "extensions": HASH}, **headers),
        get(path, {**as_query, "query": "query Q { __typename }"}, **headers),
    ):
        assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize("extensions", ["{", "[]", "1", '"x"'])
def test_extensions_of_a_get(extensions: str) -> None:
    assert get("/graph/query", {**GOOD, "extensions": extensions}).status_code == 400


@needs_node
@pytest.mark.parametrize("path", PATHS)
def test_audits(live_server: Any, path: str) -> None:
    """The 61 audits of graphql-http."""
    folder = node_modules().parent
    command = ["node", "--input-type=module", "-", live_server.url + path]
    program = (CLIENT / "audit.mjs").read_text()
    done = subprocess.run(command, cwd=folder, input=program, capture_output=True, text=True, timeout=120)
    assert (done.stdout.splitlines(), done.stderr) == (["61"], "")
