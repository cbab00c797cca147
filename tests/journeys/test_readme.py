"""The README's first steps, run as they stand there, on a copy of the product that is served as `make run` does."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port, wait_for_port

ROOT = Path(__file__).resolve().parent.parent.parent
SERVED = "http://127.0.0.1:8000"


def first_steps() -> str:
    """The indented lines of the README's section about curl."""
    section = (ROOT / "README.md").read_text().split("## First steps with curl")[1].split("\n## ")[0]
    return "\n".join(line.strip() for line in section.splitlines() if line.startswith("    "))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """(folder, port) of a copy with an empty var/, served with the mail worker beside it."""
    for name in ("accounts", "config", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "SERVED_PORT": str(port), "PORT": str(port)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def python(*args: str) -> None:
        subprocess.run([sys.executable, *args], cwd=tmp_path, env=environment, check=True, timeout=60)

    python("-c", "from config.environment import make_secret_key; make_secret_key()")
    python("manage.py", "migrate", "--verbosity", "0")
    command = ["honcho", "--no-prefix", "--procfile", "config/Procfile", "--app-root", ".", "start", "--port", "8000"]
    runner = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_port(port)
        yield tmp_path, port
    finally:
        # Ctrl-C, which leaves nothing behind.
        runner.send_signal(signal.SIGINT)
        assert runner.wait(timeout=30) == 130
        with pytest.raises(OSError, match="refused"):
            wait_for_port(port, seconds=0)


def wait_for_mail(marker: str) -> str:
    return f"until grep -Fqs '{marker}' var/mail/*.eml; do sleep 0.1; done\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="NOT CHECKED: no curl on this machine")
def test_first_steps(served: tuple[Path, int]) -> None:
    folder, port = served
    steps = first_steps().replace(SERVED, f"http://127.0.0.1:{port}")
    # A person waits for the mail; a busy machine takes longer over it than the README says.
    steps = steps.replace("key=$(sed", wait_for_mail("verify-email?key=") + "key=$(sed", 1)
    steps = steps.replace("sleep 2\n", wait_for_mail("reset-password?uid="), 1)
    answers = subprocess.run(
        ["bash", "-eu", "-c", steps], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    found = re.findall(r'"detail": ?"([^"]*)"', answers)
    assert found == [
        "ok",
        "New password has been saved.",
        "Successfully logged out.",
        "Password reset e-mail has been sent.",
        "Password has been reset with the new password.",
    ]
    assert answers.count('"access"') == 3
    assert "HTTP/1.1 200 OK" in answers
    assert (folder / "var" / "db.sqlite3").exists()
