"""The only writer of security events; each is written in the transaction of what it records (ASVS 5.0, 16.3)."""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import replace

from accounts.core import clock, metrics
from accounts.core.context import Actor, ActorKind, ClientContext
from accounts.models import SecurityEvent, Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import bulk


def record(
    kind: EventKind,
    context: ClientContext,
    *,
    user: User | None = None,
    session_id: uuid.UUID | None = None,
    detail: str = "",
) -> None:
    """Writes one event. user: None if the event concerns no account."""
    _event(kind, context, user=user, session_id=session_id, detail=detail).save()
    metrics.SECURITY_EVENTS.labels(kind.value, context.dialect.value).inc()


def record_endings(sessions: list[Session], context: ClientContext, *, reason: EndReason) -> None:
    """Writes that each of `sessions` ended, in one statement."""
    SecurityEvent.objects.bulk_create(
        _event(EventKind.SESSION_ENDED, context, user_id=session.user_id, session_id=session.pk, detail=reason)
        for session in sessions
    )
    metrics.SECURITY_EVENTS.labels(EventKind.SESSION_ENDED.value, context.dialect.value).inc(len(sessions))


def record_imports(user_ids: Collection[uuid.UUID], context: ClientContext, *, detail: str) -> None:
    """Writes that each of these users was moved in, in one statement."""
    who = (context.actor.kind.value, context.actor.user_id, None, context.dialect.value)
    client = (context.ip, context.user_agent, context.request_id, detail)
    at = clock.now()
    rows = [(EventKind.IMPORTED.value, at, user_id, *who, *client) for user_id in user_ids]
    columns = "kind, at, user_id, actor_kind, actor_id, session_id, dialect, ip, user_agent, request_id, detail"
    bulk.insert(SecurityEvent, columns, rows)
    metrics.SECURITY_EVENTS.labels(EventKind.IMPORTED.value, context.dialect.value).inc(len(rows))


def without_person(context: ClientContext, *, kind: ActorKind) -> ClientContext:
    """The same request by an actor of this kind, without the data that identify the person."""
    return replace(context, ip="", user_agent="", actor=Actor(kind=kind))


def forget_person(user: User) -> None:
    """Removes personal data (IP address, user agent) from the events of a user who is being deleted."""
    SecurityEvent.objects.filter(user=user).update(ip="", user_agent="")


def export(user: User) -> Iterator[dict[str, object]]:
    """The security events of a user. An event shows its client only if that was the user's own."""
    columns = ("kind", "at", "actor_kind", "dialect", "session_id", "detail")
    for event in SecurityEvent.objects.filter(user=user).order_by("at", "id").iterator():
        client = ("", "") if event.is_of_another_client else (event.ip, event.user_agent)
        yield {name: getattr(event, name) for name in columns} | {"ip": client[0], "user_agent": client[1]}


def _event(kind: EventKind, context: ClientContext, **fields: object) -> SecurityEvent:
    return SecurityEvent(
        kind=kind,
        at=clock.now(),
        dialect=context.dialect,
        ip=context.ip,
        user_agent=context.user_agent,
        request_id=context.request_id,
        actor_kind=context.actor.kind,
        actor_id=context.actor.user_id,
        **fields,
    )
