"""The README's first steps, run as written, on a copy of the product that is served as by `make run`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SERVED = "http://127.0.0.1:8000"


def first_steps() -> str:
    """The indented lines of the README's section about curl."""
    section = (ROOT / "README.md").read_text().split("## First steps with curl")[1].split("\n## ")[0]
    return "\n".join(line.strip() for line in section.splitlines() if line.startswith("    "))


def wait_for_mail(marker: str) -> str:
    return f"until grep -Fqs '{marker}' var/mail/*.eml; do sleep 0.1; done\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="NOT CHECKED: no curl on this machine")
def test_first_steps(served: tuple[Path, int]) -> None:
    folder, port = served
    steps = first_steps().replace(SERVED, f"http://127.0.0.1:{port}")
    # A person waits for the mail. A busy machine needs longer than the README says.
    steps = steps.replace("key=$(sed", wait_for_mail("verify-email?key=") + "key=$(sed", 1)
    steps = steps.replace("sleep 2\n", wait_for_mail("reset-password?uid="), 1)
    steps = steps.replace("sleep 2\n", wait_for_mail("code to log in"), 1)
    steps = steps.replace("sleep 2\n", wait_for_mail("Confirm your new"), 1)
    steps = steps.replace("sleep 2\n", wait_for_mail("/export?key="), 1)
    steps = steps.replace("sleep 2\n", wait_for_mail("/keep-account?key="), 1)
    steps = steps.replace(".venv/bin/python", sys.executable)
    answers = subprocess.run(
        ["bash", "-eu", "-c", steps], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    found = re.findall(r'"detail":"([^"]*)"', answers)
    assert found == [
        "ok",
        "New password has been saved.",
        "Successfully logged out.",
        "Password reset e-mail has been sent.",
        "Password has been reset with the new password.",
        "If one can log in with this address, a code has been sent to it.",
        "A mail to confirm the new address has been sent to it.",
        "ok",
        "A link to a copy of your data has been sent to your address.",
        "Your account is closed.",
    ]
    assert answers.count('"access"') == 4
    assert '"email": "alice@example.net"' in answers
    assert "Your account is kept" in answers
    assert "HTTP/1.1 200 OK" in answers
    assert (folder / "var" / "db.sqlite3").exists()
