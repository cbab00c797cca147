"""The first page of the admin: what happens, the state of the product, and Django's list of pages."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from accounts.admin.charts import chart, grouped
from accounts.core import clock
from accounts.models.security_event import EventKind
from accounts.services import counts, figures, overview, upkeep

MOST_MAILS = 10_000
# After these times a silent worker counts as dead, and the hourly purge as late.
WORKER_LATE = timedelta(minutes=5)
PURGE_LATE = timedelta(hours=3)

TITLES = {
    EventKind.REGISTERED.value: _("Sign-ups"),
    EventKind.LOGGED_IN.value: _("Logins"),
    EventKind.LOGIN_FAILED.value: _("Failed logins"),
    EventKind.PASSWORD_RESET_REQUESTED.value: _("Password resets asked for"),
}
GAUGES = (
    (counts.USERS, _("Users"), "accounts.view_user"),
    (counts.ACTIVE[1], _("Active within a day"), "accounts.view_user"),
    (counts.ACTIVE[7], _("Active within a week"), "accounts.view_user"),
    (counts.ACTIVE[30], _("Active within a month"), "accounts.view_user"),
    (counts.USERS_WITH_FACTOR, _("With a second factor"), "accounts.view_user"),
    (counts.INACTIVE_USERS, _("Deactivated"), "accounts.view_user"),
    (counts.LIVE_SESSIONS, _("Live sessions"), "accounts.view_session"),
)


def index(request: HttpRequest) -> HttpResponse:
    """Each part is shown to administrators who may see the list that it is made of."""
    now = clock.now()
    may = request.user.has_perm
    page: dict[str, Any] = {"health": _health(now)}
    known = overview.gauges(now)
    shown = [(title, known[metric]) for metric, title, permission in GAUGES if metric in known and may(permission)]
    page["gauges"] = [(title, grouped(number)) for title, number in shown]
    if may("accounts.view_securityevent"):
        page |= _charts(now)
        found = overview.guessing(now)
        page["guessing"] = overview.named(found) if may("accounts.view_user") else found
        page["guesses_looked_at"] = grouped(found.looked_at)
    if may("accounts.view_user"):
        page["locked"] = overview.locked(now)
    if may("accounts.view_message"):
        page["mail"] = _mail(now)
    if may("accounts.view_signingkey"):
        page["keys"] = [(key, key.signs_from > now) for key in overview.keys(now)]
    return admin.site.index(request, extra_context=page)


def _charts(now: datetime) -> dict[str, Any]:
    found = overview.series(now)
    charts = [
        (TITLES[one.metric], chart(one.hours, _hour), chart(one.days, _day), f"chart-{one.metric}") for one in found
    ]
    return {
        "charts": charts,
        "chart_titles": [title for title, *_rest in charts],
        "hour_rows": _rows([hours for _title, hours, _days, _id in charts]),
        "day_rows": _rows([days for _title, _hours, days, _id in charts]),
    }


def _rows(charts: list[Any]) -> list[tuple[str, list[str]]]:
    """The same numbers as a table, the latest first."""
    columns = zip(*(chart.bars for chart in charts), strict=True)
    return [(bars[0].label, [bar.number for bar in bars]) for bars in columns][::-1]


def _hour(moment: datetime) -> str:
    return f"{_day(moment)}, {moment:%H}:00"


def _day(moment: datetime) -> str:
    return formats.date_format(moment, "MONTH_DAY_FORMAT")


def _mail(now: datetime) -> dict[str, Any]:
    mails = figures.mail(now, most=MOST_MAILS)

    def number(count: int) -> str:
        return ("≥ " if count >= MOST_MAILS else "") + grouped(count)

    return {
        "due": number(mails.due),
        "dead": number(mails.dead),
        "has_dead": mails.dead > 0,
        "waits_since": now - mails.oldest_due if mails.due else None,
    }


def _health(now: datetime) -> dict[str, Any]:
    done = upkeep.read()

    def at(name: str) -> datetime | None:
        return done[name].at if name in done else None

    worker, purge = at(upkeep.WORKER), at(upkeep.PURGE)
    return {
        "version": settings.SPECTACULAR_SETTINGS["VERSION"],
        "worker": worker,
        "worker_is_late": worker is None or now - worker > WORKER_LATE,
        "purge": purge,
        "purge_is_late": purge is None or now - purge > PURGE_LATE,
        "counted": at(upkeep.COUNTS),
    }
