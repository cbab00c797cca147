"""Hostile and broken requests to /graph/: each is answered by a GraphQL error as JSON, and changes nothing."""

from typing import Any
from unittest.mock import patch

import pytest
from graphql import get_introspection_query
from graphql.validation.rules import overlapping_fields_can_be_merged

from accounts.api.durudex import query_limits
from accounts.models import VerificationCode
from tests.clients.durudex import Durudex, check, error, word

pytestmark = pytest.mark.django_db
SIGN_IN = 'signIn(input: {username: "alice", password: "wrong-horse-9"}) { access }'


@pytest.fixture(autouse=True)
def _nothing_changes(rows: Any) -> Any:
    before = rows()
    yield
    assert rows() == before
    assert not VerificationCode.objects.exists()


def nested(levels: int) -> str:
    return "{ __schema { types { " + "ofType { " * levels + "name" + " }" * levels + " } } }"


def fragments(count: int) -> str:
    """Each fragment spreads the next one twice."""
    texts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(count)]
    return "{ ...F0 } " + " ".join(texts) + f" fragment F{count} on Query {{ __typename }}"


def messages(answer: Any) -> list[str]:
    return [one["message"] for one in answer.json()["errors"]]


def row(pattern: str) -> str:
    """31 in a row: one more than the limit."""
    return " ".join(pattern.format(n=n) for n in range(31))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ " + " ".join(f"a{n}: __typename" for n in range(2000)) + " }", id="2,000 aliases"),
        pytest.param("{ " + " ".join(f"a{n}: __typename" for n in range(16)) + " }", id="16 aliases"),
        pytest.param(
            "{ ...F } fragment F on Query { " + " ".join(f"a{n}: __typename" for n in range(16)) + " }",
            id="16 aliases in a fragment",
        ),
        pytest.param("{ " + "me { username } " * 240 + "}", id="one field 240 times"),
        pytest.param("{ " + "me { username } " * 30 + "}", id="one field 30 times"),
        pytest.param(
            "{ " + "me { ...F } " * 20 + "} fragment F on User { " + "id " * 30 + "}",
            id="a fragment in each of 20 fields",
        ),
        pytest.param(
            "{ ...A ...B } " + "".join(f"fragment {name} on Query {{ {'me { id } ' * 20} }}" for name in "AB"),
            id="one field 20 times in each of two fragments",
        ),
        pytest.param("{ user(id: " + "9" * 10_000 + ") { id } }", id="a number of 10,000 digits"),
        pytest.param('{ user(id: "' + "x" * 10_000 + '") { id } }', id="a string of 10,000 characters"),
        pytest.param(nested(100), id="100 levels"),
        pytest.param(nested(320), id="320 levels"),
        pytest.param(fragments(80), id="80 fragments in a row"),
        pytest.param("{ " + "... { " * 100 + "__typename" + " }" * 100 + " }", id="100 inline fragments"),
        pytest.param("{ user(id: " + "[" * 900 + ") { id } }", id="900 brackets"),
        pytest.param("{ user(id: " + "{a: " * 300 + "1" + "}" * 300 + ") { id } }", id="300 objects"),
        pytest.param("query ($a: " + "[" * 400 + "ID" + "]" * 400 + ") { __typename }", id="400 lists"),
        pytest.param(
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", id="introspection"
        ),
        pytest.param("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", id="circle"),
        pytest.param("{ ...Nobody }", id="no such fragment"),
        pytest.param("{" + " " * 1024 * 1024 + "__typename }", id="1 MB"),
        pytest.param("{ nothing }", id="unknown field"),
        pytest.param("{ me { id }", id="broken"),
        pytest.param("", id="empty"),
        pytest.param("  ", id="blank"),
        pytest.param("# nothing", id="comment"),
        pytest.param("fragment F on Query { __typename }", id="fragment alone"),
        pytest.param("subscription { me { id } }", id="subscription"),
        pytest.param("{ me }", id="no selection"),
        pytest.param("{ me @nothing { id } }", id="unknown directive"),
        pytest.param("type A { a: Int }", id="a definition"),
        pytest.param('{ user(id: "\0") { id } }', id="NUL"),
        pytest.param('{ user(id: "\\u0000") { id } }', id="escaped NUL"),
        pytest.param('{ user(id: "\\ud800") { id } }', id="escaped surrogate"),
        pytest.param('{ user(id: "\ud800") { id } }', id="surrogate"),
        pytest.param('{ user(id: """\0""") { id } }', id="NUL in a block"),
        pytest.param(f"mutation {{ a: {SIGN_IN} b: {SIGN_IN} }}", id="two of a kind"),
        pytest.param(f"mutation {{ a: {SIGN_IN} ... {{ b: {SIGN_IN} }} }}", id="two of a kind, inline"),
        pytest.param(
            f"mutation {{ a: {SIGN_IN} ...F }} fragment F on Mutation {{ b: {SIGN_IN} }}", id="two of a kind, fragment"
        ),
        pytest.param("mutation { createVerifyEmailCode(email: 1) }", id="wrong type"),
        pytest.param("mutation ($e: Int!) { createVerifyEmailCode(email: $e) }", id="wrong type of variable"),
    ],
)
def test_refused_queries(either: Durudex, query: str) -> None:
    answer = either.run(query)
    assert answer.status_code == 400
    assert {one["extensions"]["code"] for one in answer.json()["errors"]} == {"INVALID_ARGUMENT"}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(
            "{ " + row("...F{n}") + " } " + row("fragment F{n} on Query {{ me {{ id }} }}"), id="31 fragments"
        ),
        pytest.param("{ " + "...F " * 31 + "} fragment F on Query { __typename }", id="31 spreads"),
        pytest.param("{ " + "... { __typename } " * 31 + "}", id="31 inline fragments"),
        pytest.param("{ " + "__typename " * 31 + "}", id="31 fields"),
        pytest.param("{ __typename " + "@include(if: true) " * 31 + "}", id="31 directives"),
        pytest.param("query A " + row("@x{n}") + " { __typename }", id="31 directives of an operation"),
        pytest.param("query (" + row("$v{n}: ID") + ") { __typename }", id="31 variables"),
        pytest.param("{ user(" + row("a{n}: 1") + ") { id } }", id="31 arguments"),
        pytest.param("{ user(id: [" + "1 " * 31 + "]) { id } }", id="31 values in a list"),
        pytest.param("mutation { signIn(input: {" + row("a{n}: 1") + "}) { access } }", id="31 values in an object"),
        pytest.param("query ($v: SignInInput = {" + row("a{n}: 1") + "}) { __typename }", id="31 values of a default"),
    ],
)
def test_31_in_a_row(either: Durudex, query: str) -> None:
    assert messages(either.run(query)) == ["A query may have at most 30 fields, arguments or values side by side."]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ " + " ".join(f"a{n}: __typename" for n in range(15)) + " }", id="15 aliases"),
        pytest.param(fragments(18), id="fragments that double"),
        pytest.param(get_introspection_query(), id="introspection"),
        pytest.param(
            get_introspection_query(
                specified_by_url=True,
                directive_is_repeatable=True,
                schema_description=True,
                input_value_deprecation=True,
            ),
            id="introspection of all",
        ),
        pytest.param("{ " + "__typename " * 30 + "}", id="30 fields"),
        pytest.param("query A { __typename }", id="named"),
    ],
)
def test_allowed_queries(either: Durudex, query: str) -> None:
    answer = either.run(query)
    assert (answer.status_code, "errors" in answer.json()) == (200, False)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"{ __typename }"', id="a string"),
        pytest.param(b'[{"query": "{ __typename }"}]', id="a batch"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"query": 1}', id="query is a number"),
        pytest.param(b'{"query": ["{ __typename }"]}', id="query is a list"),
        pytest.param(b'{"variables": {}}', id="no query"),
        pytest.param(b'{"query": "{ __typename }", "variables": []}', id="variables are a list"),
        pytest.param(b'{"query": "{ __typename }", "operationName": 1}', id="name is a number"),
        pytest.param(b'{"query": "{ __typename }", "operationName": "Nobody"}', id="unknown operation"),
        pytest.param(b'{"query": "query A { __typename } query B { __typename }"}', id="two operations, no name"),
        pytest.param(b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5000 + b"}}", id="huge number"),
        pytest.param(b'{"query": "' + b" " * 3 * 1024 * 1024 + b'{ __typename }"}', id="3 MB"),
    ],
)
def test_refused_bodies(either: Durudex, body: bytes) -> None:
    answer = either.post(body)
    assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/graphql", ""])
def test_other_media_types(either: Durudex, content_type: str) -> None:
    assert word(either.post('{"query": "{ __typename }"}', content_type=content_type)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("bad", ["\0", "a\0b", "\ud800", "\udfff@example.org"])
def test_variables_that_no_database_takes(either: Durudex, bad: str) -> None:
    for answer in (
        either.login(bad),
        either.login("alice", bad),
        either.create_code(bad),
        either.sign_up(bad, bad, bad, bad),
        either.forgot_password("a@example.org", bad, "battery-staple-7"),
        either.refresh(bad),
        either.user(bad),
        either.run("{ __typename }", {bad: 1}),
        either.run("{ __typename }", operation_name=bad),
        either.run("{ __typename }", {"a": [{"b": [bad]}]}),
    ):
        assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")


def test_deep_variables(either: Durudex) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    query = "mutation ($input: SignInInput!) { signIn(input: $input) { access } }"
    for value in (deep, {"username": deep, "password": "x"}, {"username": "a", "password": "b", "more": deep}):
        answer = either.run(query, {"input": value})
        assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")


def test_get(either: Durudex) -> None:
    answer = either.http.get(either.url, {"query": "query ($a: Boolean!) { __typename @include(if: $a) }"})
    check(answer)
    assert word(answer) == "INVALID_ARGUMENT"
    answer = either.http.get(either.url, {"query": "{ __typename }", "variables": '{"a": true}'})
    check(answer)
    assert answer.json() == {"data": {"__typename": "Query"}}
    for refused in (
        {"query": 'mutation { createVerifyEmailCode(email: "carol@example.org") }'},
        {"query": "{ __typename }", "variables": "{"},
        {"variables": "{}"},
        {f"a{number}": "" for number in range(1001)},
        {},
    ):
        answer = either.http.get(either.url, refused)
        check(answer)
        assert (answer.status_code, word(answer)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods(either: Durudex, method: str) -> None:
    answer = getattr(either.http, method)(either.url)
    check(answer)
    assert word(answer) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(("operations", "status"), [(22, 200), (23, 400)])
def test_tokens(either: Durudex, operations: int, status: int) -> None:
    """22 tokens each."""
    operation = "query A{} {{ ... @include(if: true) {{ __typename @skip(if: false) }} }}"
    query = " ".join(operation.format(number) for number in range(operations))
    assert either.run(query, operation_name="A0").status_code == status


@pytest.mark.parametrize(("operations", "status"), [(30, 200), (31, 400)])
def test_operations(either: Durudex, operations: int, status: int) -> None:
    query = " ".join(f"query A{number} {{ __typename }}" for number in range(operations))
    assert either.run(query, operation_name="A0").status_code == status


@pytest.mark.parametrize(("values", "status"), [(998, 200), (999, 400)])
def test_values_of_variables(either: Durudex, values: int, status: int) -> None:
    """The object and its one key are values, too."""
    assert either.run("{ __typename }", {"a": [1] * (values - 1)}).status_code == status


def test_unknown_keys_of_a_variable_are_not_looked_at(either: Durudex) -> None:
    query = "mutation ($input: SignInInput!) { signIn(input: $input) { access } }"
    answer = either.run(query, {"input": {f"username{number}": 1 for number in range(40_000)}})
    assert messages(answer) == ["The variables may hold at most 1000 values."]


def test_what_a_query_may_cost() -> None:
    """The limits bound the work: with them, the most expensive known query costs 28 ms of the allowed 50 ms."""
    assert query_limits.LONGEST_QUERY == 10_000
    assert query_limits.MOST_TOKENS == 500
    assert query_limits.MOST_IN_A_ROW == 30
    assert overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET == 2_000


def test_what_clients_send_is_far_below_the_limit(either: Durudex) -> None:
    with patch.object(overlapping_fields_can_be_merged, "MAX_COMPLEXITY_BUDGET", 20):
        assert "errors" not in either.run(get_introspection_query()).json()
        query = "{ __typename me { ...F } } fragment F on Me { __typename id username email }"
        assert word(either.run(query)) == "UNAUTHORIZED"


def test_time_limit(either: Durudex) -> None:
    with patch.object(query_limits, "MOST_SECONDS", -1.0):
        answer = either.run("mutation { " + SIGN_IN + " }")
    assert (answer.status_code, word(answer)) == (200, "SERVER_ERROR")


def test_nothing_internal_is_revealed(either: Durudex, caplog: pytest.LogCaptureFixture) -> None:
    with patch("accounts.services.users.find_by_id", side_effect=RuntimeError("secret detail of the database")):
        answer = either.user("x")
    assert (answer.status_code, error(answer)) == (200, {"code": "INTERNAL_SERVER_ERROR"})
    assert "secret" not in answer.content.decode()
    assert "a resolver failed" in caplog.text
