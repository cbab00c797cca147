"""What a million accounts cost: operations beside a thousand, a purge of five million rows, bytes, unused indexes."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from os import environ
from typing import Any

import psycopg

from tests.bench.load import (
    OURS,
    PASSWORD,
    NextRequest,
    loggers_in,
    login,
    p99,
    rate,
    readers,
    refreshers,
    request,
    serve,
    times,
)

SESSIONS, EVENTS = 2, 10
# {n} is the number of accounts. Half of the events are older than what purge_expired keeps.
FILL = (
    "INSERT INTO accounts_user (id, password, is_superuser, username, username_key, email, email_key, avatar_url,"
    " language, is_active, is_staff, created_at, last_visit)"
    " SELECT md5('u' || n)::uuid, 'argon2$argon2id$v=19$m=19456,t=2,p=1$' || repeat('x', 66), false,"
    " 'member' || n, 'member' || n,"
    " 'member' || n || '@example.org', 'member' || n || '@example.org', '', 'en', true, false, now(), now()"
    " FROM generate_series(1, {n}) n",
    'INSERT INTO account_emailaddress (email, verified, "primary", user_id)'
    " SELECT email, true, true, id FROM accounts_user WHERE username LIKE 'member%'",
    "INSERT INTO accounts_session (id, user_id, dialect, ip, user_agent, started_at, last_used_at, expires_at,"
    " end_reason, refresh_hash, rotated_at)"
    " SELECT gen_random_uuid(), md5('u' || 1 + n % {n})::uuid, 'authapi', '203.0.113.7', 'Mozilla/5.0', now(), now(),"
    " now() + interval '30 days' * n / {n} / " + str(SESSIONS) + ", '', md5(n::text) || md5(n::text), now()"
    " FROM generate_series(1, {n} * " + str(SESSIONS) + ") n",
    "INSERT INTO accounts_securityevent (kind, at, user_id, session_id, dialect, ip, user_agent, request_id, detail)"
    " SELECT 'logged_in', now() - interval '800 days' * (1 - n::float / {n} / " + str(EVENTS) + "),"
    " md5('u' || 1 + n % {n})::uuid, gen_random_uuid(), 'authapi', '203.0.113.7', 'Mozilla/5.0',"
    " md5(n::text), '' FROM generate_series(1, {n} * " + str(EVENTS) + ") n",
    'INSERT INTO accounts_message (kind, "to", language, message_id, subject, text, html, state, created_at, due_at,'
    " attempts, last_error, settled_at, user_id)"
    " SELECT 'verification', 'member' || n || '@example.org', 'en', md5(n::text), '', '', '', 'sent', now(), now(), 1,"
    " '', now(), md5('u' || n)::uuid FROM generate_series(1, {n}) n",
    "VACUUM ANALYZE",
    "CHECKPOINT",
)
BYTES = """
    SELECT sum(pg_total_relation_size(relid)::float / greatest(n_live_tup, 1)) FROM pg_stat_user_tables
    WHERE relname IN ('accounts_user', 'account_emailaddress', 'accounts_session', 'accounts_securityevent',
        'accounts_message')
    """
UNUSED = """
    SELECT relname, indexrelname, pg_size_pretty(pg_relation_size(indexrelid)) FROM pg_stat_user_indexes
    WHERE idx_scan = 0 AND relname LIKE 'acc%' ORDER BY pg_relation_size(indexrelid) DESC
    """


def bench_size(prepared: Callable[[str], str], measure: Any, names: list[str], accounts: int) -> None:
    """Prints each operation's rate with `accounts` accounts beside a thousand, and what a purge does to the others."""
    urls = {"few": prepared("few"), "many": prepared("many")}
    for name, number in (("few", 1_000), ("many", accounts)):
        with psycopg.connect(urls[name], autocommit=True) as connection:
            for statement in FILL:
                connection.execute(statement.replace("{n}", str(number)).encode())
    with (
        serve(OURS, workers=2, DATABASE_URL=urls["few"], RATE_LIMITS="off") as (few, _pid, _seconds),
        serve(OURS, workers=2, DATABASE_URL=urls["many"], RATE_LIMITS="off") as (many, _pid2, _seconds2),
    ):
        token = {port: login(port, names[0])["access"] for port in (few, many)}
        operations: dict[str, Callable[[int], float]] = {
            "user/": lambda port: rate(port, readers("GET", "/api/auth/user/", token[port])),
            "sessions/": lambda port: rate(port, readers("GET", "/api/auth/sessions/", token[port])),
            "events/": lambda port: rate(port, readers("GET", "/api/auth/events/", token[port])),
            "token/refresh/": lambda port: rate(port, refreshers(port, names)),
            "login/": lambda port: rate(port, loggers_in(names)),
            "registration/": lambda port: rate(port, registrants()),
        }
        found = measure(
            {
                f"{who} {name}": partial(ask, port)
                for name, ask in operations.items()
                for who, port in (("few", few), ("many", many))
            }
        )
        for name in operations:
            rates = f"{found.median(f'few {name}'):7.0f}/s with 1,000 accounts {found.median(f'many {name}'):7.0f}/s"
            print(
                f"{name:16} {rates} with {accounts:,}  ratio {found.ratio(f'many {name}', f'few {name}'):5.2f}"
                "  limit 0.91",
                flush=True,
            )
        with psycopg.connect(urls["many"], autocommit=True) as connection:
            # A purge leaves empty room behind, which the next rows fill.
            (size,) = connection.execute(BYTES).fetchone() or (0,)
        print(f"bytes of an account with one session, event and mail  {size:.0f}  limit 2,300", flush=True)
        purge(urls["many"], many, names[0])
    with psycopg.connect(urls["many"], autocommit=True) as connection:
        for row in connection.execute(UNUSED):
            print("no query of this run used", *row)


def registrants() -> list[NextRequest]:
    def registrant(_before: bytes) -> bytes:
        name = f"new{time.time_ns()}x{next(NUMBERS)}"
        body = {"username": name, "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD}
        return request("POST", "/api/auth/registration/", body)

    return [registrant] * 8


NUMBERS = count()


def purge(url: str, port: int, name: str) -> None:
    """Prints the p99 of user/ while purge_expired removes half of the events, beside that of a server at rest."""

    def measured() -> float:
        # An access token lives for five minutes.
        return p99(times(port, readers("GET", "/api/auth/user/", login(port, name)["access"]), seconds=6))

    idle = measured()
    with psycopg.connect(url, autocommit=True) as connection:
        (before,) = connection.execute("SELECT count(*) FROM accounts_securityevent").fetchone() or (0,)
        begun = time.monotonic()
        command = [sys.executable, "manage.py", "purge_expired"]
        process = subprocess.Popen(command, env={**environ, "DATABASE_URL": url}, stdout=subprocess.DEVNULL)
        seen = []
        while process.poll() is None:
            seen.append(measured())
        taken = time.monotonic() - begun
        (after,) = connection.execute("SELECT count(*) FROM accounts_securityevent").fetchone() or (0,)
    assert process.returncode == 0
    worst, typical = max(seen), sorted(seen)[len(seen) // 2]
    print(
        f"purge of {before - after:,} rows in {taken:.0f} s  p99 of user/ {idle * 1000:.0f} ms idle,"
        f" {typical * 1000:.0f} ms meanwhile (worst window {worst * 1000:.0f} ms)  ratio {typical / idle:.2f}  limit 2",
        flush=True,
    )
