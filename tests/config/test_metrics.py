"""`/metrics` tells what happened in all workers, and only with the token."""

import http.client
import json
import os
import re
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Message
from accounts.ops import metrics
from accounts.ops.refusals import HELD_SECONDS
from tests import processes
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.servers import free_port, wait_for_port

TOKEN = "prometheus-reads-this"
DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "monitoring"


@pytest.fixture
def _metrics(settings: Any, db: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    settings.MIDDLEWARE = ["accounts.ops.metrics.MetricsMiddleware", *settings.MIDDLEWARE]
    metrics._figures.cache_clear()


def scrape(token: str = TOKEN) -> Any:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {token}", "Host": "10.0.0.7"})


def parse(body: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample: its name and the values of its labels, to its value."""
    families = text_string_to_metric_families(body)
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.usefixtures("_metrics")
class TestPage:
    def test_only_who_has_the_token_reads_it(self) -> None:
        for token in ("", "another", TOKEN + "x", "ключ"):
            refused = scrape(token)
            assert (refused.status_code, refused.content, refused.headers["WWW-Authenticate"]) == (401, b"", "Bearer")
        assert scrape().status_code == 200

    def test_what_happened_is_counted(self, api: AuthApi, settings: Any) -> None:
        before = parse(scrape().content.decode())
        tokens = api.register("alice").json()
        api.login("alice", "wrong-horse-9")
        api.refresh(tokens["refresh"])
        api.refresh(tokens["refresh"])
        FastAPIUsers().login("alice@example.org")
        Durudex().login("alice")
        settings.LIMITS = settings.LIMITS | {"RESETS_PER_IP": 1}
        api.reset("alice@example.org")
        api.reset("alice@example.org")
        Client().get("/nothing/here")
        Client().generic("BREW", "/api/auth/login/")
        after = parse(scrape().content.decode())
        counted = {
            key: after[key] - before.get(key, 0)
            for key in after
            if key[0].endswith("_total") and after[key] != before.get(key, 0) and key[0].startswith("accounts")
        }
        assert counted == {
            ("accounts_requests_total", ("authapi", "POST RegistrationView", "201")): 1,
            ("accounts_requests_total", ("authapi", "POST LoginView", "400")): 1,
            ("accounts_requests_total", ("authapi", "OTHER LoginView", "405")): 1,
            ("accounts_requests_total", ("authapi", "POST TokenRefreshView", "200")): 2,
            ("accounts_requests_total", ("authapi", "POST PasswordResetView", "200")): 1,
            ("accounts_requests_total", ("authapi", "POST PasswordResetView", "429")): 1,
            ("accounts_requests_total", ("fastapi_users", "POST LoginView", "200")): 1,
            ("accounts_requests_total", ("durudex", "POST GraphQLView", "200")): 1,
            ("accounts_requests_total", ("web", "unknown", "404")): 1,
            ("accounts_security_events_total", ("authapi", "registered")): 1,
            ("accounts_security_events_total", ("authapi", "logged_in")): 1,
            ("accounts_security_events_total", ("authapi", "login_failed")): 1,
            ("accounts_security_events_total", ("authapi", "password_reset_requested")): 1,
            ("accounts_security_events_total", ("fastapi_users", "logged_in")): 1,
            ("accounts_security_events_total", ("durudex", "logged_in")): 1,
            ("accounts_refreshes_total", ("current",)): 1,
            ("accounts_refreshes_total", ("in_grace",)): 1,
            ("accounts_limits_reached_total", ("RESETS_PER_IP",)): 1,
        }

    def test_what_the_database_holds(self, api: AuthApi) -> None:
        api.register("alice")
        api.register("bob")
        Message.objects.filter(to="bob@example.org").update(state="dead")
        said = parse(scrape().content.decode())
        assert said["accounts_database_up", ()] == 1
        assert said["accounts_live_sessions", ()] == 2
        assert (said["accounts_due_mails", ()], said["accounts_dead_mails", ()]) == (1, 1)
        assert 0 <= said["accounts_oldest_due_mail_seconds", ()] < 60
        assert 0 <= said["accounts_signing_key_age_seconds", ()] < 60

    def test_a_database_that_is_gone(self) -> None:
        def fail(*args: Any) -> None:
            raise OperationalError

        with connection.execute_wrapper(fail):
            said = parse(scrape().content.decode())
        assert said["accounts_database_up", ()] == 0
        assert ("accounts_live_sessions", ()) not in said

    def test_the_dashboard_and_the_alerts_name_what_is_there(self, api: AuthApi, alice: Any) -> None:
        api.refresh(alice["refresh"])
        said = scrape().content.decode()
        there = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name, _labels in parse(said)}
        there |= {"accounts_limits_reached"}
        for name in ("grafana.json", "alerts.yml"):
            asked = set(re.findall(r"accounts_[a-z_]+", (DOCS / name).read_text()))
            assert len(asked) >= 5
            assert {re.sub(r"_(total|bucket|count|sum)$", "", metric) for metric in asked} <= there


@pytest.mark.django_db
def test_there_is_no_page_without_a_token() -> None:
    assert scrape().status_code == 400  # the Host is checked
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def _ask(port: int, path: str, token: str = "") -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request("GET", path, headers={"Authorization": f"Bearer {token}", "Connection": "close"})
        return client.getresponse().read().decode()


@pytest.mark.django_db(transaction=True)
def test_workers_are_summed_and_one_that_was_killed_is_not_forgotten(tmp_path: Path) -> None:
    port = free_port()
    unknown = ("accounts_requests_total", ("authapi", "GET UserDetailsView", "401"))
    variables = {"WEB_CONCURRENCY": "2", "METRICS_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    with processes.web_server(port, PUBLIC_URL=f"http://127.0.0.1:{port}", **variables) as server:
        wait_for_port(port)
        for round in (1, 2, 3):
            for _ in range(20):
                _ask(port, "/api/auth/user/")
            assert parse(_ask(port, "/metrics", TOKEN))[unknown] == 20 * round
            (folder,) = tmp_path.glob("accounts-metrics-*")
            # Two workers, each with a file for each kind of metric, and the process that starts them.
            assert {file.stem.rpartition("_")[2] for file in folder.iterdir()} <= {"0", "1", "2"}
            before = processes.children(server.pid)
            os.kill(before[0], signal.SIGKILL)
            while len(processes.children(server.pid)) < 2 or before[0] in processes.children(server.pid):
                time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        code, said = processes.finish(server)
    assert code == 0, said
    assert not folder.exists()


@pytest.mark.django_db(transaction=True)
def test_the_wait_of_a_refusal_is_no_work(tmp_path: Path) -> None:
    """A refused client waits half a second, which the metrics do not count as time of the server."""
    port = free_port()
    variables = {
        "METRICS_TOKEN": TOKEN,
        "TMPDIR": str(tmp_path),
        "WRONG_PASSWORDS_PER_HOUR": "1",
    }
    body = json.dumps({"username": "nobody", "password": "wrong-horse-9"})
    with processes.web_server(port, PUBLIC_URL=f"http://127.0.0.1:{port}", **variables) as server:
        wait_for_port(port)
        waited = []
        for _ in range(2):
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
                began = time.monotonic()
                client.request("POST", "/api/auth/login/", body, {"Content-Type": "application/json"})
                status = client.getresponse().status
                waited.append((status, time.monotonic() - began))
        found = parse(_ask(port, "/metrics", TOKEN))
        server.send_signal(signal.SIGTERM)
        processes.finish(server)
    assert [status for status, _seconds in waited] == [400, 429]
    asked = sum(seconds for _status, seconds in waited)
    assert asked - found["accounts_request_seconds_sum", ("authapi", "POST LoginView")] >= HELD_SECONDS
