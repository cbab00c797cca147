from collections.abc import Iterator
from typing import Any

import pytest

from tests.smtp import MailServer, mail_server, use


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as server:
        use(settings, server.port)
        yield server
