"""No header of a client becomes a part of the environment, not even from the host itself, where a proxy would run."""

import http.client
from contextlib import closing

import pytest

from tests import processes
from tests.servers import free_port, wait_for_port


@pytest.mark.django_db(transaction=True)
def test_headers_named_like_variables_change_nothing() -> None:
    port = free_port()
    with processes.web_server(port, WEB_CONCURRENCY="1", PUBLIC_URL=f"http://127.0.0.1:{port}"):
        wait_for_port(port)
        for name in ("SCRIPT_NAME", "PATH_INFO", "Script-Name"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/admin/", headers={name: "/admin"})
            with closing(connection), connection.getresponse() as answer:
                assert (answer.status, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/"), name
