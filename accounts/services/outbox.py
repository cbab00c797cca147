"""Mails as rows: put, claim, settle.

A worker claims a few messages under a row lock, and renews the claim while it sends them. If a worker is killed, its
claim runs out within a minute, and any worker can claim the messages. A message that is refused for now is tried again
with growing pauses for two days. A final refusal makes a dead letter, which an administrator can queue again.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from email.utils import make_msgid
from urllib.parse import urlsplit

from django.db.models import F

from accounts.core import clock
from accounts.core.conf import conf
from accounts.models import Message, User
from accounts.models.message import MessageKind, MessageState

CLAIM = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=2)


def put(
    kind: MessageKind,
    *,
    user: User | None = None,
    to: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    lifetime: timedelta | None,
) -> None:
    """Queues a message. user: its owner. lifetime: how long the link or code in it works; None for a notice."""
    now = clock.now()
    Message.objects.create(
        kind=kind,
        user=user,
        to=to,
        language=language,
        message_id=make_msgid(domain=urlsplit(conf.public_url).hostname),
        subject=subject,
        text=text,
        html=html,
        created_at=now,
        due_at=now,
        expires_at=now + lifetime if lifetime else None,
    )


def oldest_due(*, now: datetime) -> timedelta:
    """How long the oldest due message has waited for a worker; 0 if none waits."""
    due_at = Message.objects.due(now).order_by("due_at").values_list("due_at", flat=True).first()
    return now - due_at if due_at else timedelta(0)


def claim(*, most: int, now: datetime) -> list[Message]:
    """Claims up to `most` due messages for CLAIM; called inside a transaction. No other worker gets the same ones."""
    due = list(Message.objects.due(now).order_by("due_at").select_for_update(skip_locked=True)[:most])
    Message.objects.filter(pk__in=[message.pk for message in due]).update(
        claimed_until=now + CLAIM, attempts=F("attempts") + 1
    )
    for message in due:
        message.claimed_until = now + CLAIM
    return due


def renew(message: Message, *, now: datetime) -> None:
    """Renews the claim if it is half over, unless another worker has taken the message meanwhile."""
    if message.claimed_until is None or message.claimed_until - now > CLAIM / 2:
        return
    mine = Message.objects.filter(pk=message.pk, state=MessageState.QUEUED, claimed_until=message.claimed_until)
    if mine.update(claimed_until=now + CLAIM):
        message.claimed_until = now + CLAIM


def is_sendable(message: Message, *, now: datetime) -> bool:
    """Whether the message has an address and its content is still valid; settles it if not."""
    if not message.to:
        _settle(message, MessageState.DISCARDED, now=now)
    elif message.expires_at is not None and message.expires_at <= now:
        _settle(message, MessageState.EXPIRED, now=now)
    else:
        return True
    return False


def settle_sent(message: Message, *, now: datetime) -> None:
    _settle(message, MessageState.SENT, now=now)


def settle_refused(message: Message, error: str, *, permanent: bool, now: datetime) -> None:
    """Queues the message for a later attempt, or makes it a dead letter. Its text stays, so that it can be retried.

    Does nothing if the claim has run out and another worker has taken the message.
    """
    attempts = message.attempts + 1
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), LONGEST_PAUSE)
    # No database stores a lone surrogate, and PostgreSQL stores no NUL.
    last_error = error.encode(errors="replace").decode().replace("\0", "")[:300]
    changes: dict[str, object] = {"claimed_until": None, "last_error": last_error}
    if permanent or now + pause > message.created_at + GIVE_UP_AFTER:
        changes |= {"state": MessageState.DEAD, "settled_at": now}
    else:
        changes |= {"due_at": now + pause}
    Message.objects.filter(pk=message.pk, state=MessageState.QUEUED, claimed_until=message.claimed_until).update(
        **changes
    )


def retry(message_ids: Collection[int], *, now: datetime) -> int:
    """Queues dead letters again, as if they were new."""
    return Message.objects.filter(pk__in=message_ids, state=MessageState.DEAD).update(
        state=MessageState.QUEUED, settled_at=None, created_at=now, due_at=now, attempts=0, last_error=""
    )


def hand_over(address: str, user: User) -> None:
    """Makes `user` the owner of the messages to their address, so that they are deleted with the account."""
    Message.objects.nobodys(address).update(user=user)


def forget(user: User) -> None:
    """Deletes every message of a user who is being deleted, and ownerless messages to their address.

    Messages of another account to an address that it had earlier stay: they may be its owner's only warning.
    """
    user.messages.all().delete()
    Message.objects.nobodys(user.email).delete()


def export(user: User) -> Iterator[dict[str, object]]:
    """The mails to a user and their states. The text of a mail is not kept after it was sent."""
    columns = ("kind", "to", "language", "state", "created_at", "settled_at")
    yield from user.messages.order_by("created_at", "id").values(*columns).iterator()


def _settle(message: Message, state: MessageState, *, now: datetime) -> None:
    Message.objects.filter(pk=message.pk, state=MessageState.QUEUED).update(
        state=state, settled_at=now, claimed_until=None, subject="", text="", html="", last_error=""
    )
