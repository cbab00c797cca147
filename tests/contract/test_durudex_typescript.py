"""A TypeScript client whose types graphql-codegen makes from the committed schemas runs the whole flow."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.clients.durudex import code_in
from tests.graphql_schema import FOLDER
from tests.mailbox import Mailbox
from tests.sdk.sdks import CACHE

CLIENT = Path(__file__).resolve().parents[1] / "clients" / "typescript"

needs_node = pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="no Node.js on this machine")
pytestmark = [pytest.mark.django_db(transaction=True), needs_node]


def node_modules() -> Path:
    """The packages that package.json names, installed once and kept outside the repository."""
    wanted = CACHE / f"typescript-{hashlib.sha256((CLIENT / 'package.json').read_bytes()).hexdigest()[:16]}"
    if not wanted.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, ignore_cleanup_errors=True) as folder:
            shutil.copy(CLIENT / "package.json", folder)
            install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
            installed = subprocess.run(install, cwd=folder, capture_output=True, text=True)
            if installed.returncode:
                pytest.skip(f"npm cannot install the TypeScript client's packages: {installed.stderr[-300:]}")
            # Another run may have been faster. Then its folder is used.
            with contextlib.suppress(OSError):
                Path(folder).rename(wanted)
    return wanted / "node_modules"


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the two programs, compiled against the generated types."""
    folder = tmp_path_factory.mktemp("typescript")
    for path in (*CLIENT.iterdir(), *FOLDER.iterdir()):
        shutil.copy(path, folder)
    (folder / "node_modules").symlink_to(node_modules())
    run(folder, "node_modules/.bin/graphql-codegen", "--config", "codegen.json")
    run(folder, "node_modules/.bin/tsc", "--project", ".")
    return folder


@pytest.mark.parametrize("program", ["newer", "older"])
def test_client_runs(built: Path, live_server: Any, program: str) -> None:
    process = subprocess.Popen(
        ["node", f"built/{program}.js"],
        cwd=built,
        env={**os.environ, "SERVER": live_server.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if said[-1] == "code?":
                process.stdin.write(code_in(Mailbox().collect()[-1]) + "\n")
                process.stdin.flush()
        failure = process.stderr.read()
    assert process.returncode == 0, failure
    assert said[-1] == "done", failure
