import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port, wait_for_port

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """(folder, port) of a copy with an empty var/, served with the mail worker beside it."""
    tmp_path = tmp_path_factory.mktemp("served")
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
