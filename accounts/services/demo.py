"""Made-up accounts for demonstrations: users, sessions, events and mails, written in bulk without the usual checks.

Nobody can read their mailboxes: example.com is reserved (RFC 2606) and takes no mail (RFC 7505).
"""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import pyotp
from django.apps import apps
from django.db.models import Max

from accounts.models import Message, SecurityEvent, Session, TotpFactor, User
from accounts.models.message import MessageKind, MessageState
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import bulk, encryption
from accounts.services.factors import totp

DOMAIN = "example.com"
# Enough digits to keep the names in the order of their numbers.
DIGITS = 7
DAYS = 30
FIRST_SIGN_UP = timedelta(days=365)
# How long mails wait: no worker takes one before that.
WAITS = timedelta(days=3650)

# What happens to an account in a month, besides the sign-up. Each session has a login event.
EVENTS = (
    (EventKind.LOGIN_FAILED, "invalid_credentials"),
    (EventKind.PASSWORD_RESET_REQUESTED, ""),
    (EventKind.PASSWORD_RESET, ""),
    (EventKind.PROFILE_CHANGED, ""),
    (EventKind.LOGGED_IN, ""),
    (EventKind.EMAIL_VERIFIED, ""),
)
WEIGHTS = (30, 8, 5, 12, 40, 5)
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Mozilla/5.0 (iPhone) Safari/605.1", "okhttp/5.1.0")
DIALECTS = ("authapi", "authapi", "authapi", "fastapi_users", "durudex")
# The addresses of guessing clients: reserved for documentation (RFC 5737, RFC 3849).
GUESSERS = ("198.51.100.7", "198.51.100.8", "2001:db8:0:7::1", "2001:db8:0:7::2")

USER = (
    "id, password, is_superuser, username, username_key, email, email_key, avatar_url, language, is_active, is_staff,"
    " created_at, has_second_factor, last_visit"
)
ADDRESS = "user_id, email, verified, primary"
SESSION = (
    "id, user_id, dialect, ip, place, user_agent, started_at, last_used_at, expires_at, ended_at, end_reason, kind,"
    " amr, auth_time, refresh_hash, rotated_at, rotated_before"
)
EVENT = "kind, at, user_id, actor_kind, actor_id, session_id, dialect, ip, user_agent, request_id, detail"
MESSAGE = (
    "user_id, kind, to, language, message_id, subject, text, html, state, created_at, due_at, attempts, last_error,"
    " settled_at"
)
FACTOR = "user_id, secret, created_at, last_step, last_used_at"


def next_number() -> int:
    """The number of the next made-up user."""
    made = User.objects.filter(username_key__regex=rf"^demo[0-9]{{{DIGITS}}}$").aggregate(last=Max("username_key"))
    return int((made["last"] or "demo0").removeprefix("demo")) + 1


def write(numbers: range, *, password: str, now: datetime) -> None:
    """Makes the users of these numbers with their sessions, events and mails; called inside a transaction.

    password: the hash that all of them get.
    """
    chance = random.Random()  # noqa: S311
    users, addresses, sessions, events, messages, app_factors = [], [], [], [], [], []
    secret = encryption.encrypt(pyotp.random_base32().encode(), totp.PURPOSE)
    for number in numbers:
        user_id, name = uuid.uuid4(), f"demo{number:0{DIGITS}}"
        email = f"{name}@{DOMAIN}"
        created_at = now - FIRST_SIGN_UP * chance.random()
        ip = f"192.0.2.{chance.randrange(256)}"
        is_active, verified, has_app = chance.random() > 0.01, chance.random() > 0.2, chance.random() < 0.03
        visited_at = max(created_at, now - timedelta(days=60) * chance.random() ** 2)
        language = chance.choice(("en", "ru", "uk"))
        known = (False, name, name, email, email, "", language, is_active, False, created_at, has_app, visited_at)
        users.append((user_id, password, *known))
        addresses.append((user_id, email, verified, True))
        if has_app:
            app_factors.append((user_id, secret, created_at, 0, created_at))
        if now - created_at < timedelta(days=DAYS):
            events.append(_event(chance, EventKind.REGISTERED, created_at, user_id, ip, ""))
        for ends in (True, False):
            began_at = _moment(chance, now, since=created_at)
            session_id, dialect, agent = uuid.uuid4(), chance.choice(DIALECTS), chance.choice(AGENTS)
            ended_at = min(began_at + timedelta(hours=40) * chance.random(), now) if ends or not is_active else None
            where = (dialect, ip, ip, agent, began_at, began_at, began_at + timedelta(days=DAYS))
            end = (ended_at, EndReason.LOGGED_OUT if ended_at else "")
            sessions.append((session_id, user_id, *where, *end, "api", "pwd", began_at, "", began_at, ""))
            events.append(_event(chance, EventKind.LOGGED_IN, began_at, user_id, ip, "", session_id))
            if ended_at:
                logged_out = (EventKind.SESSION_ENDED, ended_at, user_id, ip, EndReason.LOGGED_OUT, session_id)
                events.append(_event(chance, *logged_out))
        for kind, detail in chance.choices(EVENTS, WEIGHTS, k=2):
            guessed = kind is EventKind.LOGIN_FAILED and chance.random() < 0.4
            place = chance.choice(GUESSERS) if guessed else ip
            events.append(_event(chance, kind, _moment(chance, now, since=created_at), user_id, place, detail))
        if number % 2:
            messages.append(_message(chance, number, user_id, email, language, now, created_at))
    bulk.insert(User, USER, users)
    bulk.insert(apps.get_model("account", "EmailAddress"), ADDRESS, addresses)
    bulk.insert(TotpFactor, FACTOR, app_factors)
    bulk.insert(Session, SESSION, sessions)
    bulk.insert(SecurityEvent, EVENT, events)
    bulk.insert(Message, MESSAGE, messages)


def _message(
    chance: random.Random, number: int, user_id: uuid.UUID, email: str, language: str, now: datetime, created: datetime
) -> tuple[Any, ...]:
    at = _moment(chance, now, since=created)
    state, due_at, settled_at, error = MessageState.SENT, at, at + timedelta(seconds=1), ""
    if chance.random() < 0.01:
        state, error = MessageState.DEAD, "550 5.1.1 The mailbox does not exist."
    elif number % 1000 == 1:
        state, due_at, settled_at = MessageState.QUEUED, now + WAITS, None  # type: ignore[assignment]
    kind = chance.choice((MessageKind.VERIFICATION, MessageKind.PASSWORD_RESET, MessageKind.PASSWORD_CHANGED))
    message_id = f"<{uuid.uuid4()}@{DOMAIN}>"
    attempts = 0 if state is MessageState.QUEUED else 1
    return (user_id, kind, email, language, message_id, "", "", "", state, at, due_at, attempts, error, settled_at)


def _event(
    chance: random.Random,
    kind: EventKind,
    at: datetime,
    user_id: uuid.UUID,
    ip: str,
    detail: str,
    session_id: uuid.UUID | None = None,
) -> tuple[Any, ...]:
    is_strangers = kind in (EventKind.LOGIN_FAILED, EventKind.PASSWORD_RESET_REQUESTED)
    actor = ("stranger", None) if is_strangers else ("user", user_id)
    return (kind, at, user_id, *actor, session_id, chance.choice(DIALECTS), ip, chance.choice(AGENTS), "", detail)


def _moment(chance: random.Random, now: datetime, *, since: datetime) -> datetime:
    """A random time within the last DAYS and not before `since`; day times are more likely."""
    hour = chance.triangular(0, 24, 15)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=chance.randrange(DAYS))
    moment = day + timedelta(hours=hour)
    if moment > now:
        moment -= timedelta(days=1)
    return moment if moment > since else since + (now - since) * chance.random()
