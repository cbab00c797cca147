"""docs/security.md is complete: it has every row of the list once, and every test that it names exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (ROOT / "docs" / "security.md").read_text()
LINES = [line for line in DOCUMENT.splitlines() if re.match(r"\| *\d", line)]
# Number, ids, requirement, status, tests.
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES]


def names_of(path: Path) -> set[str]:
    """The names of a file's tests, without parameters: `test_name` or `TestClass::test_name`."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return {name for name in found if name.split("::")[-1].startswith("test_")}


def test_every_row_stands_once_and_in_order() -> None:
    assert [number for number, *_rest in ROWS] == [str(number) for number in range(1, 69)]
    assert {len(row) for row in ROWS} == {5}


def test_every_row_says_what_is_asked_and_whether_it_holds() -> None:
    for number, ids, requirement, status, _tests in ROWS:
        assert ids, number
        assert requirement.endswith("."), number
        # A row that does not hold says why.
        assert status == "holds" or re.match(r"(holds|does not hold)\W+\w+", status), number


def test_every_row_names_a_test_or_says_why_not() -> None:
    for number, *_rest, tests in ROWS:
        assert re.search(r"`tests/\S+::\S+`", tests) or tests.startswith("no test: "), number


def test_every_test_exists() -> None:
    named = [name for *_rest, tests in ROWS for name in re.findall(r"`([^`]+)`", tests)]
    assert len(named) > 68
    missing = []
    for name in named:
        path, _colons, test = name.partition("::")
        if not (ROOT / path).is_file() or test not in names_of(ROOT / path):
            missing.append(name)
    assert missing == []


def test_tests_that_are_named_by_a_row_stand_in_it() -> None:
    """A test named test_row_7_… or of a class TestRow54 is in the table at that row."""
    tests = {int(number): tests for number, *_rest, tests in ROWS}
    for path in (ROOT / "tests" / "security").glob("test_*.py"):
        for name in names_of(path):
            named = re.search(r"test_rows?_((?:\d+_|and_)+)|TestRow(\d+)::", name)
            for number in re.findall(r"\d+", "".join(named.groups("")) if named else ""):
                assert f"{path.name}::{name}" in tests[int(number)], name


def test_the_readme_and_the_security_policy_lead_to_it() -> None:
    for name in ("README.md", "SECURITY.md"):
        assert "](docs/security.md)" in (ROOT / name).read_text(), name
