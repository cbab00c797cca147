"""System checks of the account settings; each has an id, and its message names the environment variable."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections

from accounts.core.conf import conf

# Connections that the web server does not use. The worker has one each for mail, purges, counts and jobs. Two commands
# at a time have one each.
OTHER_CONNECTIONS = 6


@checks.register
def access_token_outlives_session(**kwargs: Any) -> list[checks.CheckMessage]:
    if conf.access_token_lifetime > conf.session_lifetime:
        return [checks.Error("ACCESS_TOKEN_MINUTES: an access token would outlive SESSION_DAYS", id="accounts.E001")]
    return []


@checks.register
def hosts_are_named(**kwargs: Any) -> list[checks.CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        return [checks.Warning("ALLOWED_HOSTS: * lets a request claim any host", id="accounts.W002")]
    return []


@checks.register
def rate_limits_are_on(**kwargs: Any) -> list[checks.CheckMessage]:
    if not conf.rate_limits_are_on:
        return [checks.Warning("RATE_LIMITS: off is for load tests only", id="accounts.W003")]
    return []


@checks.register(checks.Tags.database)
def connections_fit(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Runs with `check --database default` and with `migrate`. It does not look at the limit of a pooler."""
    connection = connections["default"]
    if "default" not in (databases or ()) or connection.vendor != "postgresql":
        return []
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return []
    with connection.cursor() as cursor:
        # PostgreSQL has `reserved_connections` since version 16.
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - coalesce(current_setting('reserved_connections', true)::int, 0)"
        )
        (given,) = cursor.fetchone()
    workers, size = settings.WEB_CONCURRENCY, settings.DATABASE_POOL["max_size"]
    needed = workers * size + OTHER_CONNECTIONS
    if needed <= given:
        return []
    message = (
        f"DATABASE_POOL_SIZE: {workers} workers with {size} connections each and {OTHER_CONNECTIONS} others need"
        f" {needed}, and PostgreSQL gives {given}"
    )
    hint = "Lower WEB_CONCURRENCY or DATABASE_POOL_SIZE, or raise max_connections."
    return [checks.Warning(message, hint=hint, id="accounts.W004")]
