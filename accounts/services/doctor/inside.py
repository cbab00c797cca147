"""Probes without the network: the database, the worker's notes, and the settings."""

from datetime import timedelta
from typing import Any

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

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
# As in the alert of docs/monitoring: a greater number does not happen without a fault.
MANY_DEAD = 100
# Django's list alone is longer.
BLOCKLIST = 20_000
# Without https these repeat the finding about the public URL. On a local server that may be intended.
ABOUT_HTTPS = ("security.W004", "security.W010", "security.W012", "security.W016")
RUN_WORKER = gettext_noop("Run the worker: python manage.py deliver_mail.")


def database(_asked: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if connection.vendor == "sqlite" and conf.public_url.startswith("https://"):
        return [_("DATABASE_URL names no PostgreSQL: SQLite has one writer at a time, and lives on one machine.")]
    return []


def migrations(_asked: Any) -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    missing = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in plan)
    text = _("Migrations are missing: %(missing)s. Run python manage.py migrate.")
    return [text % {"missing": missing}] if plan else []


def clocks(_asked: Any) -> list[str]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    differs = abs(there - clock.now())
    if differs < CLOCKS_DIFFER:
        return []
    text = _("The clocks of this machine and of the database differ by %(seconds)s s: run NTP on both.")
    return [text % {"seconds": f"{differs.total_seconds():.1f}"}]


def worker(_asked: Any) -> list[str]:
    seen = upkeep.read().get(upkeep.WORKER)
    if seen is None or seen.at is None:
        return [_("No worker was ever seen.") + f" {_(RUN_WORKER)}"]
    silent = clock.now() - seen.at
    text = _("No worker was seen for %(time)s.") % {"time": _minutes(silent)}
    return [f"{text} {_(RUN_WORKER)}"] if silent > WORKER_LATE else []


def mail_queue(_asked: Any) -> list[str]:
    mails = figures.mail(clock.now(), most=10_000)
    problems = []
    if mails.oldest_due > MAIL_LATE:
        text = _("A mail has waited for %(time)s: the worker is away or too slow.")
        problems.append(text % {"time": _minutes(mails.oldest_due)})
    if mails.dead >= MANY_DEAD:
        text = _("Mails that were given up: %(number)d. See the dead letters in the admin.")
        problems.append(text % {"number": mails.dead})
    return problems


def purge(_asked: Any) -> list[str]:
    done = upkeep.read().get(upkeep.PURGE)
    if done is None or done.at is None:
        return [_("Nothing was ever purged.") + f" {_(RUN_WORKER)}"]
    ago = clock.now() - done.at
    text = _("The last purge was %(time)s ago; the worker does it every hour.")
    return [text % {"time": _minutes(ago)}] if ago > PURGE_LATE else []


def signing_keys(_asked: Any) -> list[str]:
    now = clock.now()
    known = list(SigningKey.objects.verifying(now))
    signing = next((key for key in known if key.signs_from <= now), None)
    text = _("The signing key %(kid)s cannot be decrypted with SECRET_KEY: put the old one into SECRET_KEY_FALLBACKS.")
    problems = [text % {"kid": key.kid} for key in known if encryption.decrypt(key.private_key, keys.PURPOSE) is None]
    if signing and now - signing.signs_from > KEY_OLD:
        problems.append(_("The signing key is older than a year. Run python manage.py rotate_signing_keys."))
    return problems


def limits_are_on(_asked: Any) -> list[str]:
    return [] if conf.rate_limits_are_on else [_("RATE_LIMITS is off: anybody may guess as often as they like.")]


def blocklist(_asked: Any) -> list[str]:
    validator = GuessablePasswordValidator()
    if len(validator.passwords) < BLOCKLIST:
        text = _("The list of common passwords has only %(number)d lines: install the product anew.")
        return [text % {"number": len(validator.passwords)}]
    try:
        validator.validate("password1")
    except ValidationError:
        return []
    return [_("The password password1 is accepted: the list of common passwords is not used.")]


def settings_checks(_asked: Any) -> list[str]:
    """The messages of `check --deploy --database default`, in English."""
    found = checks.run_checks(include_deployment_checks=True, databases=["default"])
    is_https = conf.public_url.startswith("https://")
    return [
        f"{message.msg} ({message.id})"
        for message in found
        if message.level >= checks.WARNING and not message.is_silenced() and (is_https or message.id not in ABOUT_HTTPS)
    ]


def _minutes(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return _("%(number)d minutes") % {"number": minutes}
    return _("%(number)d hours") % {"number": minutes // 60}
