"""What the mail worker's log says."""

import json
from typing import Any

SENT = ["time", "level", "logger", "message", "mail", "kind", "attempt", "waited_seconds"]
ADDRESS_SIGN = "@"


def failures(said: str) -> list[dict[str, Any]]:
    """The lines that tell of something else than mail that was sent; no line names an address."""
    lines = [json.loads(line) for line in said.splitlines()]
    sent = [line for line in lines if line["message"] == "a mail was sent"]
    for line in sent:
        assert (list(line), line["level"]) == (SENT, "INFO")
        assert ADDRESS_SIGN not in json.dumps(line)
    return [line for line in lines if line not in sent]


def assert_ended_well(ended: tuple[int, str]) -> None:
    """ended: the worker's exit code and what it printed, as processes.finish() answers them."""
    code, said = ended
    assert (code, failures(said)) == (0, [])
