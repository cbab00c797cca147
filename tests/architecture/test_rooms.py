"""Rules of the house that import-linter and ruff cannot check: who writes, and who opens transactions."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ACCOUNTS = Path(__file__).resolve().parent.parent.parent / "accounts"
DOORS = ("api", "web", "admin", "management", "ops")
# Names of functions that write. A door's own `dict.update()` would be found too: use `|=` there.
WRITES = {
    "save",
    "store",
    "create",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "update",
    "delete",
    "atomic",
}
# Services that write and that a door may still call: signing keys are made at first use.
READS_THAT_MAY_WRITE = {"keys"}


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ACCOUNTS / room).rglob("*.py"))]


def calls(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """The calls in a tree: the name before the dot ("" without one), the name, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                owner = function.value
                yield getattr(owner, "id", ""), function.attr, node.lineno
            elif isinstance(function, ast.Name):
                yield "", function.id, node.lineno


@cache
def writing_services() -> frozenset[tuple[str, str]]:
    """The functions of services that write, themselves or through another one, as (module, function)."""
    functions: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path in sources("services"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                called = [(owner or path.stem, name) for owner, name, _line in calls(node)]
                functions[path.stem, node.name] = called
    writing = {key for key, called in functions.items() if any(name in WRITES for _owner, name in called)}
    while more := {key for key, called in functions.items() if key not in writing and writing & set(called)}:
        writing |= more
    return frozenset(writing)


def test_the_rule_sees_what_writes() -> None:
    assert {("outbox", "retry"), ("sessions", "end"), ("users", "add"), ("logins", "finish")} <= writing_services()
    assert ("users", "find") not in writing_services()
    assert ("sessions", "authenticate") not in writing_services()


@pytest.mark.parametrize("path", sources(*DOORS), ids=lambda path: str(path.relative_to(ACCOUNTS)))
def test_doors_neither_write_nor_open_transactions(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [(name, line) for _owner, name, line in calls(tree) if name in WRITES] == []
    through = [(owner, name, line) for owner, name, line in calls(tree) if (owner, name) in writing_services()]
    assert [call for call in through if call[0] not in READS_THAT_MAY_WRITE] == []


@pytest.mark.parametrize("path", sources("flows"), ids=lambda path: path.name)
def test_flows_open_durable_transactions(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "atomic":
            assert {keyword.arg for keyword in node.keywords} == {"durable"}, node.lineno


@pytest.mark.parametrize("path", sources("flows"), ids=lambda path: path.name)
def test_flows_take_keywords_and_neither_requests_nor_querysets(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert node.args.args == [], f"{node.name} takes a value that is not named"
            types = " ".join(ast.unparse(one.annotation) for one in node.args.kwonlyargs if one.annotation)
            assert "QuerySet" not in types, node.name
            assert "Request" not in types, node.name
