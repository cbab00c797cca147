"""deploy/partitions.sql: the product works on divided tables as before, with its earlier data."""

from pathlib import Path

import pytest

from tests.clients.authapi import PASSWORD
from tests.clusters import LOGIN, Cluster, Server, clusters, serve
from tests.processes import finish, manage
from tests.servers import ON_POSTGRES

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no partitions")
SCRIPT = (Path(__file__).resolve().parent.parent.parent / "deploy" / "partitions.sql").read_text()
NEW = "battery-staple-7"
# The same for both servers, because tokens contain it.
URL = "http://127.0.0.1:8000"


def events(web: Server) -> list[str]:
    page = web.ask("GET", "/api/auth/events/")
    assert page.status == 200
    return [event["kind"] for event in page.body["results"]]


def names(cluster: Cluster) -> list[tuple[str, ...]]:
    """The indexes and foreign keys of both tables."""
    return cluster.execute(
        "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE indrelid IN ('accounts_session'::regclass, 'accounts_securityevent'::regclass) UNION ALL"
        " SELECT conname FROM pg_constraint WHERE contype = 'f'"
        " AND conrelid IN ('accounts_session'::regclass, 'accounts_securityevent'::regclass) ORDER BY 1"
    )


def test_the_product_works_on_divided_tables() -> None:
    with clusters() as (cluster,):
        with serve(cluster, PUBLIC_URL=URL) as web:
            login = web.ask("POST", "/api/auth/login/", LOGIN).body
            before = events(web)
        assert before == ["logged_in", "logged_in", "registered"]
        named = names(cluster)
        cluster.execute(SCRIPT)
        assert names(cluster) == named
        counts = "SELECT (SELECT count(*) FROM accounts_session), (SELECT count(*) FROM accounts_securityevent)"
        assert cluster.execute(counts) == [(2, 3)]
        with serve(cluster, registers=False, PUBLIC_URL=URL) as server:
            web = Server(server.port, login["access"])
            assert events(web) == before
            assert web.ask("POST", "/api/auth/token/refresh/", {"refresh": login["refresh"]}).status == 200
            change = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
            assert web.ask("POST", "/api/auth/password/change/", change).status == 200
            assert events(web) == ["password_changed", "session_ended", *before]
            assert web.ask("POST", "/api/auth/logout/").status == 200
        cluster.execute("UPDATE accounts_session SET expires_at = now() - interval '1 year'")
        with manage("purge_expired", DATABASE_URL=cluster.url) as command:
            assert finish(command)[0] == 0
        assert cluster.execute("SELECT count(*) FROM accounts_session") == [(0,)]
        assert cluster.execute("SELECT count(*), count(DISTINCT id) FROM accounts_securityevent") == [(6, 6)]
        # As in the deletion of an account: the events move to another partition.
        assert cluster.execute("UPDATE accounts_securityevent SET user_id = NULL RETURNING 1") == [(1,)] * 6


def test_a_later_migration_makes_its_indexes_on_divided_tables() -> None:
    def migrate(*to: str) -> None:
        with manage("migrate", "--verbosity", "0", *to, DATABASE_URL=cluster.url) as migration:
            assert finish(migration) == (0, "")

    with clusters() as (cluster,):
        migrate()
        named = names(cluster)
        migrate("accounts", "0011")
        assert len(names(cluster)) == len(named) - 10
        cluster.execute(SCRIPT)
        migrate()
        assert names(cluster) == named
        migrate("accounts", "0011")
        assert len(names(cluster)) == len(named) - 10
