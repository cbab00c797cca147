"""The cost of a purge of many expired rows: every batch reads about as much as the first one."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest
from django.db import connection

from accounts.core import clock
from accounts.flows.purge_expired import BATCH, purge_expired
from accounts.models import Job, User
from tests.flows.test_purge_expired import KINDS
from tests.servers import ON_POSTGRES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not ON_POSTGRES, reason="the plans are PostgreSQL's"),
]
ROWS = 12_000
# Written in about the order in which they expire, as in practice. Random keys are independent of that.
AT = f"now() - interval '600 days' + interval '700 days' * number / {ROWS}"
ID = "md5(number::text)"
TABLES = {
    "accounts_session": (
        "id, user_id, dialect, ip, user_agent, started_at, last_used_at, expires_at, end_reason, refresh_hash,"
        " rotated_at",
        f"{ID}::uuid, '{{user}}', 'authapi', '', '', now(), now(), {AT}, '', '', now()",
    ),
    "accounts_message": (
        'kind, "to", language, message_id, subject, text, html, state, created_at, due_at, attempts, last_error,'
        " settled_at",
        f"'verification', 'a@b.c', 'en', {ID}, '', '', '', 'sent', now(), now(), 1, '', {AT}",
    ),
    "accounts_verificationcode": (
        "email_key, code_hash, tries, expires_at, issued, hour_started_at",
        f"{ID}, '', 0, {AT}, 0, now()",
    ),
    "accounts_logincode": (
        "email_key, code_hash, tries, expires_at",
        f"{ID}, '', 0, {AT}",
    ),
    "accounts_challenge": (
        "id, user_id, proved, password_hash, kind, counted_as, tries_left, expires_at",
        f"{ID}, '{{user}}', 'pwd', '', 'api', '', 5, {AT}",
    ),
    "accounts_idempotentrequest": ("id, fingerprint, answer, at", f"{ID}, '', '', {AT}"),
    # Thousands of them expire at the same full hour.
    "accounts_limitcounter": (
        "key, hits, ends_at",
        f"{ID}, 1, now() - interval '1 hour' * (3 - number / {ROWS // 3 + 1})",
    ),
    "accounts_securityevent": (
        "kind, at, dialect, ip, user_agent, request_id, detail",
        f"'logged_in', {AT}, 'authapi', '', '', '', ''",
    ),
    "accounts_formeraddress": ("user_id, email_key, left_at", f"'{{user}}', '', {AT}"),
    "accounts_hourlycount": ("metric, hour, count", f"{ID}, {AT}, 1"),
    "accounts_jobitem": ("job_id, user_id, state, reason, asked_at", f"{{job}}, '{{user}}', 'done', '', {AT}"),
    "accounts_job": (
        "kind, language, request_id, state, total, done, unchanged, failed, asked_at",
        f"'verify', 'en', '', 'done', 1, 1, 0, 0, {AT}",
    ),
    "django_session": ("session_key, session_data, expire_date", f"{ID}, '', {AT}"),
}


@dataclass(frozen=True)
class Batch:
    """The work of one statement. index: of the column by which rows expire; "" if it was not used."""

    table: str
    index: str
    pages: int


@contextmanager
def batches() -> Iterator[list[Batch]]:
    """Collects PostgreSQL's plan for the rows of each batch."""
    found = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if "FOR UPDATE" in sql:
            with connection.cursor() as cursor:
                cursor.cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql, params)
                (plan,) = cursor.fetchone()
            plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
            pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            table = ""
            while "Plans" in plan:
                (plan,) = plan["Plans"]
                table = plan.get("Relation Name", table)
            column = sql.partition('" < ')[0].rpartition('."')[2]
            index = plan.get("Index Name", plan["Node Type"]) if column in plan.get("Index Cond", "") else ""
            found.append(Batch(table, index, pages))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


@pytest.fixture
def expired() -> None:
    user = User.objects.create(username="alice", email="alice@example.org")
    job = Job.objects.create(kind="verify", asked_at=clock.now())
    with connection.cursor() as cursor:
        for table, (columns, values) in TABLES.items():
            values = values.format(user=user.pk, job=job.pk)
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series(1, {ROWS}) AS number")
            cursor.execute(f"ANALYZE {table}")


def test_every_batch_reads_what_the_first_one_read(expired: None) -> None:
    with batches() as found:
        removed = {purged.name: purged.rows for purged in purge_expired() if purged.rows}
    # No signing key has expired, and no kind of hash was noted.
    assert tuple(removed) == KINDS[:-2]
    read = {table: list(read) for table, read in groupby(found, key=lambda batch: batch.table)}
    # The kinds of hashes are some dozens of rows, which do not expire.
    assert len(read.pop("accounts_hashkind")) == 1
    assert list(read) == list(TABLES)
    for table, each in read.items():
        (index,) = {batch.index for batch in each}
        assert index, table
        # A page for each row that is locked, and little else.
        assert max(batch.pages for batch in each) < 1.1 * BATCH, table
