"""What import-linter and ruff cannot say of the house: who writes, who opens transactions, how long a file is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ACCOUNTS = Path(__file__).resolve().parent.parent.parent / "accounts"
DOORS = ("api", "web", "admin", "management", "ops")
WRITES = {"save", "create", "bulk_create", "get_or_create", "update_or_create", "atomic"}


def sources(*rooms: str) -> list[Path]:
    paths = [ACCOUNTS / room for room in rooms]
    return [path for room in paths for path in ([room] if room.is_file() else sorted(room.rglob("*.py")))]


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """The names of the methods and functions that a file calls, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield name, node.lineno


@pytest.mark.parametrize("path", sources(*DOORS), ids=lambda path: str(path.relative_to(ACCOUNTS)))
def test_doors_neither_write_nor_open_transactions(path: Path) -> None:
    assert [(name, line) for name, line in calls(path) if name in WRITES] == []


@pytest.mark.parametrize("path", sources("flows"), ids=lambda path: path.name)
def test_flows_open_durable_transactions(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "atomic":
            assert {keyword.arg for keyword in node.keywords} == {"durable"}, node.lineno


def test_no_file_is_too_long() -> None:
    lengths = {
        path: len(path.read_text().splitlines()) for path in ACCOUNTS.rglob("*.py") if "migrations" not in path.parts
    }
    assert {path.name: length for path, length in lengths.items() if length > 400} == {}
