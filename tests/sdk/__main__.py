"""`make sdk LANG=python` and `make sdks`: SDKs out of the product's documents.

    python -m tests.sdk NAME…                writes them to build/sdk/NAME
    python -m tests.sdk --travel [NAME…]     all, or these, and makes each one's journey; prints a table

The documents are those of the server at SERVER, or of one that is started for it. A journey also needs what a mail
says, and a fresh database: it is made against a server of its own.
"""

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sdk.sdks import BUILD, CACHE, DOCUMENT, HERE, NODE, NODE_MODULES, PYTHON, SDKS, Command, Sdk

ROOT = HERE.parents[1]
STEPS = {
    "register": "register",
    "taken": "400 on a taken name",
    "login": "log in",
    "wrong": "400 on a wrong password",
    "profile": "profile",
    "refresh": "refresh",
    "dead": "401 on a dead token",
    "renew": "refresh on 401 by the client",
    "change": "change the password",
    "logout": "log out",
    "after": "401 after it",
    "limited": "429 with `Retry-After`",
}
WARNING = re.compile(r"\b(WARN|WARNING|ERROR|Warning\(s\)|deprecated)\b")


class Failed(Exception):
    """An SDK that could not be made, or whose journey ended early: after these steps."""

    def __init__(self, message: str, steps: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.steps = steps


def execute(command: Command, folder: Path, **extra: str) -> str:
    environment = {**os.environ, "PATH": f"{PYTHON}:{os.environ['PATH']}", "LANG": "C.UTF-8", **extra}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout + done.stderr


def install_python() -> None:
    done = PYTHON / "installed"
    if not done.exists():
        execute([sys.executable, "-m", "venv", "--clear", str(PYTHON.parent)], ROOT)
        pip = [str(PYTHON / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        execute([*pip, "--require-hashes", "-r", str(HERE / "requirements.txt")], ROOT)
        done.touch()


def npm_ci(source: Path, place: Path) -> None:
    """Installs in `place` what the lock of `source` names, once."""
    done = place / "installed"
    if not done.exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, place)
        execute(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], place)
        done.touch()


def install_node() -> None:
    npm_ci(HERE, NODE)
    # Somebody else may be using it: a link that is right stays.
    if NODE_MODULES.resolve() != (NODE / "node_modules").resolve():
        NODE_MODULES.unlink(missing_ok=True)
        NODE_MODULES.symlink_to(NODE / "node_modules")


@contextmanager
def alone() -> Iterator[None]:
    """Two who install at a time would get into each other's way."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(sdks: list[Sdk]) -> None:
    BUILD.mkdir(exist_ok=True)
    with alone():
        install_python()
        if any("node" in sdk.needs and not sdk.missing for sdk in sdks):
            install_node()


def generate(sdk: Sdk, server: str) -> None:
    """Writes the SDK; raises Failed where the generator fails or warns of what has no reason beside it."""
    shutil.rmtree(sdk.folder, ignore_errors=True)
    sdk.folder.mkdir(parents=True)
    url = f"{server}/api/schema/?format=json&lang=en{sdk.query}"
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310
            (sdk.folder / DOCUMENT).write_bytes(answer.read())
    except OSError as error:
        raise Failed(f"{url}: {error}") from None
    for path in [*(HERE / sdk.name).iterdir(), *(HERE / name for name in sdk.files)]:
        (shutil.copytree if path.is_dir() else shutil.copy)(path, sdk.folder / path.name)
    for command in sdk.generate:
        said = execute(command, sdk.folder)
        for line in said.splitlines():
            if WARNING.search(line) and not any(re.search(known, line) for known in sdk.accepted):
                raise Failed(f"a warning without a reason: {line}")


def travel(sdk: Sdk, server: str) -> None:
    """Compiles the SDK and makes its journey; raises Failed where it does not take every step."""
    for command in sdk.compile:
        execute(command, sdk.folder)
    environment = {**os.environ, "SERVER": server, "USERNAME": f"{sdk.name}-user"}
    process = subprocess.Popen(
        sdk.run,
        cwd=sdk.folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    steps, said = [], []
    with process:
        for line in process.stdout:
            said.append(line)
            if line.startswith("step "):
                steps.append(line.split()[1])
            if line == "code?\n":
                process.stdin.write(mailed_code() + "\n")
                process.stdin.flush()
    if process.returncode or steps != list(STEPS):
        raise Failed("".join(said)[-3000:], tuple(steps))


def mailed_code() -> str:
    from tests.clients.durudex import code_in
    from tests.mailbox import Mailbox

    return code_in(Mailbox().collect()[-1])


@contextmanager
def served() -> Iterator[str]:
    """A server of its own, on a fresh database, that lets many registrations in and few wrong passwords.

    Its document names the public server, which an SDK takes for its own where it is told no other.
    """
    public_url = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000")
    from tests import servers

    with tempfile.TemporaryDirectory(prefix="accounts-sdk-") as folder:
        port = servers.free_port()
        server = f"http://127.0.0.1:{port}"
        os.environ |= {
            "CACHE_URL": "",
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "PUBLIC_URL": public_url,
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
            "LOG_LEVEL": "ERROR",
            "REGISTRATIONS_PER_IP": "1000",
            "CODES_PER_IP": "1000",
            "WRONG_PASSWORDS_PER_IP": "1000",
            "WRONG_PASSWORDS_PER_HOUR": "4",
        }
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command
        from django.test.utils import setup_test_environment

        django.setup()
        setup_test_environment()
        call_command("migrate", verbosity=0)
        command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            servers.wait_for_port(port)
            yield server
        finally:
            process.terminate()
            process.wait()


def make(sdks: list[Sdk], server: str) -> None:
    for sdk in sdks:
        generate(sdk, server)
        print(f"build/sdk/{sdk.name}")


def make_and_travel(sdks: list[Sdk], server: str) -> bool:
    """Prints a table of generators and steps, and what failed; answers whether nothing did."""
    rows, failures = [], []
    for sdk in sdks:
        steps, began = tuple(STEPS), time.monotonic()
        note = f"NOT MADE: needs {', '.join(sdk.missing)}"
        if sdk.missing:
            steps = ()
        else:
            try:
                generate(sdk, server)
                generated = time.monotonic()
                travel(sdk, server)
                note = f"{generated - began:.1f} + {time.monotonic() - generated:.1f}"
            except Failed as failure:
                failures.append(f"== {sdk.name}: {failure}")
                steps, note = failure.steps, "FAILED"
        taken = " | ".join("✓" if step in steps else "–" for step in STEPS)
        rows.append(f"| `{sdk.name}` | {taken} | {note} |")
        print(rows[-1], file=sys.stderr, flush=True)
    print(f"| SDK | {' | '.join(STEPS)} | seconds |", "|---" * (len(STEPS) + 2) + "|", *rows, sep="\n")
    print(*failures, sep="\n")
    return not failures


def main() -> int:
    parser = argparse.ArgumentParser(description="SDKs out of the product's documents.")
    parser.add_argument("--travel", action="store_true", help="make each one's journey, too")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(sdk.name for sdk in SDKS))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {sdk.name for sdk in SDKS}:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(sdk.name for sdk in SDKS)}")
    if not arguments.names and not arguments.travel:
        parser.error(f"which one? There are {', '.join(sdk.name for sdk in SDKS)}")
    wanted = [sdk for sdk in SDKS if sdk.name in arguments.names or not arguments.names]
    missing = [f"{sdk.name} needs {', '.join(sdk.missing)}" for sdk in wanted if sdk.missing]
    try:
        install(wanted)
        if arguments.travel:
            with served() as server:
                return 0 if make_and_travel(wanted, server) else 1
        if missing:
            raise Failed("\n".join(missing))
        if os.environ.get("SERVER"):
            make(wanted, os.environ["SERVER"].rstrip("/"))
        else:
            with served() as server:
                make(wanted, server)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
