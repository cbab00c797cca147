"""The pages "from zero to logged in" (docs/first-steps/): each program runs as written, and ends logged out."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_to_run import mailed
from tests.sdk import __main__ as sdk

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ROOT / "docs" / "first-steps"
SERVED = "http://127.0.0.1:8000"
# The last answer to the old token, and the pattern for the mail.
PAGES_END = {"authapi": "401", "fastapi-users": "401", "durudex": "UNAUTHORIZED"}
MAILED = {"durudex": r"^([0-9]{6})$"}
KEY = r"verify-email\?key=(\S+)"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="NOT CHECKED: no curl on this machine")
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="NOT CHECKED: no Node.js on this machine")


def program(page: str, language: str, port: int) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", (PAGES / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
    assert SERVED in block
    # The pages share one server, on which each name is taken once.
    own = re.sub(r"\b(alice|bob|carol)\b", rf"\1-{page}", block)
    return own.replace(SERVED, f"http://127.0.0.1:{port}")


def run(folder: Path, command: list[str], page: str, address: str) -> None:
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        said, _ = process.communicate(mailed(folder, address, MAILED.get(page, KEY)) + "\n", timeout=60)
    assert process.returncode == 0, said
    assert address in said, said
    assert said.split()[-1] == PAGES_END[page], said


@needs_curl
@pytest.mark.parametrize("page", list(PAGES_END))
def test_curl(served: tuple[Path, int], page: str) -> None:
    folder, port = served
    run(folder, ["bash", "-eu", "-c", program(page, "bash", port)], page, f"alice-{page}@example.org")


@pytest.mark.parametrize("page", list(PAGES_END))
def test_python(served: tuple[Path, int], page: str) -> None:
    folder, port = served
    run(folder, [sys.executable, "-c", program(page, "python", port)], page, f"bob-{page}@example.org")


@needs_node
@pytest.mark.parametrize("page", list(PAGES_END))
def test_typescript(served: tuple[Path, int], page: str) -> None:
    folder, port = served
    sdk.install([each for each in sdk.SDKS if each.name == "openapi-fetch"])
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(sdk.NODE / "node_modules")
    (folder / "page.mts").write_text(program(page, "ts", port))
    options = ["--strict", "--target", "es2022", "--module", "node16", "--types", "node"]
    tsc = [str(modules / ".bin" / "tsc"), *options, "page.mts"]
    compiled = subprocess.run(tsc, cwd=folder, capture_output=True, text=True, env=os.environ)
    assert compiled.returncode == 0, compiled.stdout
    run(folder, ["node", "page.mjs"], page, f"carol-{page}@example.org")
