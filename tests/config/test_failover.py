"""The web server and the mail worker while a standby takes the place of their PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tests.clusters import LOGIN, Answer, Server, clusters, serve, wait_until
from tests.processes import finish, manage
from tests.servers import ON_POSTGRES
from tests.smtp import mail_server

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no server")


def ask_until(stop: Event, web: Server) -> list[tuple[float, Answer]]:
    """Logs in and sends requests without a pause; returns the time and the status of each answer."""
    answers = []
    while not stop.is_set():
        for asked in (("POST", "/api/auth/login/", LOGIN), ("GET", "/api/auth/user/")):
            answer = web.ask(*asked)
            answers.append((time.monotonic(), answer))
    return answers


def test_a_standby_takes_over() -> None:
    with clusters(standby=True) as (primary, standby), mail_server() as mails:
        url = f"postgres://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres"
        stop = Event()
        environment = {"DATABASE_URL": url, "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}"}
        with (
            serve(primary, **environment) as web,
            manage("deliver_mail", **environment) as worker,
            ThreadPoolExecutor(8) as clients,
        ):
            mails.wait_for(1)
            caught_up = "SELECT pg_wal_lsn_diff(sent_lsn, replay_lsn) = 0 FROM pg_stat_replication"
            wait_until(lambda: primary.execute(caught_up) == [(True,)], seconds=10)
            asking = [clients.submit(ask_until, stop, web) for _ in range(8)]
            time.sleep(1)
            primary.stop()
            time.sleep(5)
            promoted = time.monotonic()
            assert standby.execute("SELECT pg_promote()") == [(True,)]
            time.sleep(5)
            stop.set()
            answers = sorted((each for future in asking for each in future.result()), key=lambda each: each[0])
            good = [at - promoted for at, answer in answers if answer.status == 200 and at > promoted]
            assert {answer.status for _at, answer in answers} == {200, 503}
            assert good[0] < 2
            assert max(answer.seconds for _at, answer in answers) < 5
            assert {answer.status for at, answer in answers if at > promoted + 3} == {200}
            assert web.ask("POST", "/api/auth/password/reset/", {"email": "alice@example.org"}).status == 200
            mails.wait_for(2)
            worker.terminate()
            assert finish(worker)[0] == 0


def test_a_primary_that_has_become_read_only() -> None:
    with clusters() as (cluster,), serve(cluster) as web:

        def log_in() -> tuple[int, str | None]:
            answer = web.ask("POST", "/api/auth/login/", LOGIN)
            return answer.status, answer.retry_after

        # It keeps its connections, like a server behind a proxy after a handover.
        cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        wait_until(lambda: log_in() == (503, "2"), seconds=5)
        before = cluster.execute("SELECT count(*) FROM accounts_session")
        assert [log_in() for _ in range(10)] == [(503, "2")] * 10
        assert web.ask("GET", "/api/auth/user/").status == 200
        assert cluster.execute("SELECT count(*) FROM accounts_session") == before
        cluster.execute(
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        )
        wait_until(lambda: log_in() == (200, None), seconds=5)
