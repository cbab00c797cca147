"""SDKs that are generated from the served document work. `make sdks` makes and tests all of them (docs/sdks.md)."""

import shutil
import subprocess
import sys

import pytest

from tests.sdk.__main__ import STEPS
from tests.sdk.sdks import HERE, SDKS

ROOT = HERE.parents[1]
WORKING = " | ".join("✓" for _ in STEPS)


def made_and_run(*names: str) -> list[str]:
    """The rows of the table that is printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sdk", "--travel", *names], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [row for row in done.stdout.splitlines() if row.startswith("| `")]


def test_python_and_typescript() -> None:
    names = ["openapi-python-client", *(["openapi-fetch"] if shutil.which("npm") else [])]
    rows = made_and_run(*names)
    assert [row.rpartition(" | ")[0] for row in rows] == [f"| `{name}` | {WORKING}" for name in names]


def test_the_document_tells_how_each_did() -> None:
    table = (ROOT / "docs" / "sdks.md").read_text()
    for sdk in SDKS:
        assert f"| `{sdk.name}` | {WORKING} |" in table
        assert f"`make sdk LANG={sdk.name}`" in table


def test_every_accepted_warning_has_a_reason() -> None:
    for sdk in SDKS:
        assert all(len(reason) > 20 for reason in sdk.accepted.values())


@pytest.mark.parametrize(
    "name", ["tests/sdk/package-lock.json", "tests/sdk/requirements.txt", "examples/spa/package-lock.json"]
)
def test_locks_name_no_registry(name: str) -> None:
    """Everybody installs from their own registry."""
    text = (ROOT / name).read_text()
    assert "resolved" not in text
    assert "--index-url" not in text
