"""The product as `make run` serves it: a copy with its own data, a mail worker, and mails in files."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import wait_for_port

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def served(folder: Path, port: int, **settings: str) -> Iterator[None]:
    """A copy in `folder` with an empty var/, served with the mail worker beside it while the block runs."""
    for name in ("accounts", "config", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "SERVED_PORT": str(port), "PORT": str(port), **settings}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def python(*args: str) -> None:
        subprocess.run([sys.executable, *args], cwd=folder, env=environment, check=True, timeout=60)

    python("-c", "from config.environment import make_secret_key; make_secret_key()")
    python("manage.py", "migrate", "--verbosity", "0")
    command = ["honcho", "--no-prefix", "--procfile", "config/Procfile", "--app-root", ".", "start", "--port", "8000"]
    runner = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_port(port)
        yield
    finally:
        # Ctrl-C, which leaves nothing behind.
        runner.send_signal(signal.SIGINT)
        assert runner.wait(timeout=30) == 130
        with pytest.raises(OSError, match="refused"):
            wait_for_port(port, seconds=0)


def mailed(folder: Path, address: str, pattern: str) -> str:
    """Waits for a mail to this address that matches the pattern, and returns the group of the newest one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for mail in sorted((folder / "var" / "mail").glob("*.eml"), reverse=True):
            text = mail.read_text()
            if f"To: {address}" in text and (found := re.search(pattern, text, re.MULTILINE)):
                return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")
