"""What can be seen without the network: the database, what the worker has noted, and the settings."""

from datetime import timedelta
from typing import Any

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.core import clock
from accounts.core.conf import conf
from accounts.models import SigningKey
from accounts.services import encryption, figures, keys, upkeep
from accounts.services.guessable import GuessablePasswordValidator

CLOCKS_DIFFER = timedelta(seconds=2)
WORKER_LATE = timedelta(minutes=5)
MAIL_LATE = timedelta(minutes=5)
PURGE_LATE = timedelta(hours=3)
KEY_OLD = timedelta(days=365)
# As the alert of docs/monitoring does, more than that is nothing that happens by itself.
MANY_DEAD = 100
# Django's list alone has more.
BLOCKLIST = 20_000
# Without https they say the same once more that the probe of the public URL says, and here it may be meant.
ABOUT_HTTPS = ("security.W004", "security.W010", "security.W012", "security.W016")
RUN_WORKER = "Run the worker: python manage.py deliver_mail."


def database(_: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if connection.vendor == "sqlite" and conf.public_url.startswith("https://"):
        return ["DATABASE_URL names no PostgreSQL: SQLite has one writer at a time, and lives on one machine."]
    return []


def migrations(_: Any) -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    missing = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in plan)
    return [f"Migrations are missing: {missing}. Run python manage.py migrate."] if plan else []


def clocks(_: Any) -> list[str]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    differs = abs(there - clock.now())
    if differs < CLOCKS_DIFFER:
        return []
    return [
        f"The clocks of this machine and of the database differ by {differs.total_seconds():.1f} s: run NTP on both."
    ]


def worker(_: Any) -> list[str]:
    seen = upkeep.read().get(upkeep.WORKER)
    if seen is None or seen.at is None:
        return [f"No worker was ever seen. {RUN_WORKER}"]
    silent = clock.now() - seen.at
    return [f"No worker was seen for {_minutes(silent)}. {RUN_WORKER}"] if silent > WORKER_LATE else []


def mail_queue(_: Any) -> list[str]:
    mails = figures.mail(clock.now(), most=10_000)
    problems = []
    if mails.oldest_due > MAIL_LATE:
        problems.append(f"A mail has waited for {_minutes(mails.oldest_due)}: the worker is away or too slow.")
    if mails.dead >= MANY_DEAD:
        problems.append(f"{mails.dead} mails were given up: see the dead letters in the admin.")
    return problems


def purge(_: Any) -> list[str]:
    done = upkeep.read().get(upkeep.PURGE)
    if done is None or done.at is None:
        return [f"Nothing was ever purged. {RUN_WORKER}"]
    ago = clock.now() - done.at
    return [f"The last purge was {_minutes(ago)} ago; the worker does it every hour."] if ago > PURGE_LATE else []


def signing_keys(_: Any) -> list[str]:
    now = clock.now()
    known = list(SigningKey.objects.verifying(now))
    signing = next((key for key in known if key.signs_from <= now), None)
    problems = [
        f"The signing key {key.kid} cannot be decrypted with SECRET_KEY: put the old one into SECRET_KEY_FALLBACKS."
        for key in known
        if encryption.decrypt(key.private_key, keys.PURPOSE) is None
    ]
    if signing and now - signing.signs_from > KEY_OLD:
        problems.append("The signing key is older than a year. Run python manage.py rotate_signing_keys.")
    return problems


def limits_are_on(_: Any) -> list[str]:
    return [] if conf.rate_limits_are_on else ["RATE_LIMITS is off: anybody may guess as often as they like."]


def blocklist(_: Any) -> list[str]:
    validator = GuessablePasswordValidator()
    if len(validator.passwords) < BLOCKLIST:
        return [f"The list of common passwords has {len(validator.passwords)} lines only: install the product anew."]
    try:
        validator.validate("password1")
    except ValidationError:
        return []
    return ["The password password1 is accepted: the list of common passwords is not used."]


def settings_checks(_: Any) -> list[str]:
    """What `check --deploy --database default` says."""
    found = checks.run_checks(include_deployment_checks=True, databases=["default"])
    is_https = conf.public_url.startswith("https://")
    return [
        f"{message.msg} ({message.id})"
        for message in found
        if message.level >= checks.WARNING and not message.is_silenced() and (is_https or message.id not in ABOUT_HTTPS)
    ]


def _minutes(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
