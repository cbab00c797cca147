"""The mail worker's log."""

import json
from typing import Any

SENT = ["time", "level", "logger", "message", "mail", "kind", "attempt", "waited_seconds"]
ADDRESS_SIGN = "@"


def failures(said: str) -> list[dict[str, Any]]:
    """The lines about anything other than sent mail. No line may contain an address."""
    lines = [json.loads(line) for line in said.splitlines()]
    sent = [line for line in lines if line["message"] == "a mail was sent"]
    for line in sent:
        assert (list(line), line["level"]) == (SENT, "INFO")
        assert ADDRESS_SIGN not in json.dumps(line)
    return [line for line in lines if line not in sent]


def assert_ended_well(ended: tuple[int, str]) -> None:
    """ended: the worker's exit code and output, as processes.finish() returns them."""
    code, said = ended
    assert (code, failures(said)) == (0, [])
