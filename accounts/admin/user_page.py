"""A user's page beside the form: the state of the account, sessions, events, mails and notes."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.user_acts import buttons
from accounts.core import clock
from accounts.models import User
from accounts.services import identities, locks
from accounts.services.factors import passkeys, recovery_codes, totp

# How many rows of each kind the page shows. A link leads to all of them.
MOST = 15
LOCKED_BY = {
    "WRONG_PASSWORDS_PER_HOUR": _("too many wrong passwords within an hour"),
    "WRONG_PASSWORDS_PER_DAY": _("too many wrong passwords within a day"),
    "WRONG_FACTORS_PER_HOUR": _("too many wrong codes of a second factor"),
    "WRONG_CODES_PER_DAY": _("too many wrong mailed codes"),
}


def user_page(request: HttpRequest, user: User) -> dict[str, Any]:
    """The context of the page. Each part is only for administrators who may see its rows."""
    may = request.user.has_perm
    page: dict[str, Any] = {"standing": _standing(user), "buttons": buttons(request, user), "account": user}
    if may("accounts.view_session"):
        page["live_sessions"] = user.sessions.live(clock.now()).order_by("-last_used_at")[:MOST]
    if may("accounts.view_securityevent"):
        page["last_events"] = user.security_events.select_related("actor").order_by("-at", "-pk")[:MOST]
    if may("accounts.view_message"):
        page["last_mails"] = user.messages.order_by("-created_at", "-pk")[:MOST]
    if may("accounts.view_note"):
        page["notes"] = user.notes.select_related("author")[:MOST]
    return page


def _standing(user: User) -> dict[str, Any]:
    app = totp.find(user) if user.has_second_factor else None
    return {
        "locks": [
            {"why": LOCKED_BY[lock.setting], "place": lock.place, "until": lock.until} for lock in locks.of(user)
        ],
        "former": list(user.former_addresses.order_by("-left_at")[:MOST]),
        "providers": list(identities.of(user)),
        "app": app,
        "passkeys": list(passkeys.of(user)) if user.has_second_factor else [],
        "codes_left": recovery_codes.left(user) if user.has_second_factor else 0,
    }
