"""The locked requirements name the extras that other packages need.

pip before 23.3 looks for "coverage[toml]" as if it were a package beside "coverage": it takes the newest release that
the registry has, and refuses it because no hash is known. An install would break on the day of such a release.
"""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent


def locked(file: str) -> dict[str, set[str]]:
    """Each package that `file` pins, with its extras."""
    lines = re.findall(r"^([A-Za-z0-9._-]+(?:\[[^\]]*\])?==[^\s;]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {canonicalize_name(pin.name): pin.extras for pin in map(Requirement, lines)}


def asked(name: str, extras: set[str]) -> list[Requirement]:
    """The requirements of the installed package `name` with `extras`; none if it is not installed on this platform."""
    try:
        needs = map(Requirement, requires(name) or [])
    except PackageNotFoundError:
        return []
    return [
        need
        for need in needs
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_names_every_extra(file: str) -> None:
    pins = locked(file)
    needs = [(name, need) for name, extras in pins.items() for need in asked(name, extras) if need.extras]
    assert needs
    missing = [
        f"{name} asks for {need}" for name, need in needs if not need.extras <= pins[canonicalize_name(need.name)]
    ]
    assert missing == []
