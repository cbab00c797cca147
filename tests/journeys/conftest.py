from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import made_to_run
from tests.servers import free_port


@pytest.fixture(autouse=True)
def cheap_hashes() -> None:
    """None here: a password has its real cost."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """(folder, port) of a copy with an empty var/, served with the mail worker beside it."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    with made_to_run.served(folder, port):
        yield folder, port
