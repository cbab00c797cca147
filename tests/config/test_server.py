import http.client
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests import processes
from tests.clients.authapi import PASSWORD, AuthApi
from tests.servers import free_port, wait_for_port

LOGIN = {"username": "alice", "password": PASSWORD}


@pytest.fixture(autouse=True)
def cheap_hashes() -> None:
    """None here: the server's own hashes have their real cost, and it would replace cheaper ones."""


def _ask(port: int, method: str, path: str, body: dict[str, str] | None = None, *, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request(method, f"/api/auth/{path}", body and json.dumps(body), headers)
    with closing(connection), connection.getresponse() as answer:
        return answer.status, json.load(answer)


@pytest.mark.django_db(transaction=True)
def test_logins_at_once_are_answered_or_told_to_wait_and_who_shows_a_token_is_answered(api: AuthApi) -> None:
    api.register("alice")
    port = free_port()
    with processes.web_server(port, WEB_CONCURRENCY="1", PUBLIC_URL=f"http://127.0.0.1:{port}") as server:
        wait_for_port(port)
        token = _ask(port, "POST", "login/", LOGIN)[1]["access"]
        with ThreadPoolExecutor(60) as clients:
            logins = [clients.submit(_ask, port, "POST", "login/", LOGIN) for _ in range(30)]
            users = [clients.submit(_ask, port, "GET", "user/", token=token) for _ in range(30)]
        answers = [login.result()[0] for login in logins]
        # One password is hashed and sixteen wait. A login without a place is answered 503.
        assert set(answers) <= {200, 503}
        assert answers.count(200) >= 17
        assert [user.result()[1]["username"] for user in users] == ["alice"] * 30
        server.send_signal(signal.SIGTERM)
        code, said = processes.finish(server)
    assert code == 0, said
    logged = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [line["level"] for line in logged] == ["INFO"] * 61
    assert sorted(line["status"] for line in logged) == [200] * 31 + sorted(answers)


@pytest.mark.django_db(transaction=True)
def test_what_was_read_when_the_server_is_told_to_stop_is_answered(api: AuthApi) -> None:
    api.register("alice")
    port = free_port()
    with processes.web_server(port, WEB_CONCURRENCY="2", PUBLIC_URL=f"http://127.0.0.1:{port}") as server:
        wait_for_port(port)
        clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(12)]
        for client in clients:
            # From now on the server reads what this connection sends.
            client.request("GET", "/livez")
            assert client.getresponse().read() == b'{"status": "ok"}'
        for client in clients:
            client.request("POST", "/api/auth/login/", json.dumps(LOGIN), {"Content-Type": "application/json"})
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        probe.request("GET", "/readyz")
        assert json.load(probe.getresponse())["status"] == "ok"
        time.sleep(0.1)
        server.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        probe.request("GET", "/readyz")
        refused = probe.getresponse()
        assert (refused.status, refused.read()) == (
            503,
            b'{"status": "unavailable", "problem": "the server is stopping"}',
        )
        answers = [client.getresponse() for client in clients]
        assert [(answer.status, set(json.load(answer))) for answer in answers] == [
            (200, {"access", "refresh", "user"})
        ] * 12
        code, said = processes.finish(server)
        for client in (*clients, probe):
            client.close()
    assert code == 0, said


@pytest.mark.django_db(transaction=True)
def test_a_proxy_has_time_to_see_that_it_stops() -> None:
    port = free_port()
    with processes.web_server(port, WEB_CONCURRENCY="1", TRUSTED_PROXY_COUNT="1") as server:
        wait_for_port(port)

        def answer(path: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path, headers={"Connection": "close"})
            with closing(connection), connection.getresponse() as answer:
                return answer.status

        assert answer("/readyz") == 200
        server.send_signal(signal.SIGTERM)
        while answer("/readyz") == 200:
            time.sleep(0.05)
        # A server that checks once a second whether it must stop would have closed its port by now.
        told = time.monotonic()
        while time.monotonic() < told + 1.5:
            assert (answer("/readyz"), answer("/livez")) == (503, 200)
            time.sleep(0.05)
        code, said = processes.finish(server)
    assert code == 0, said
