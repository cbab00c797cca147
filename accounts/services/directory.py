"""Searches for administrators. The kind of the typed text is recognised, and each kind is looked up by an index."""

import ipaddress
import uuid

from django.db.models import Q, Value
from django.db.models.functions import Lower

from accounts.models import FormerAddress, SecurityEvent, Session, User
from accounts.models.security_event import of_request
from accounts.services import addresses, names

# How many users of one IP address are shown, the latest first.
MOST_AT_A_PLACE = 1000


def users(typed: str) -> Q:
    """Users by id, external id, username, address, former address, id of a session or a request, or IP address.

    If no user has the name or address, users whose name or address begins with it are found. A * at the end always
    finds those.
    """
    if place := _ip(typed):
        return Q(pk__in=[*_at(place), *_people(typed)])
    ids = [*_people(typed), *_by_request(typed)]
    if (id := _uuid(typed)) is not None:
        ids += Session.objects.filter(pk=id).values_list("user_id", flat=True)
    key = names.lookup_key(typed.removesuffix("*"))
    if ids or not key:
        return Q(pk__in=ids)
    beginning = Q(email_key__startswith=key)
    return beginning if "@" in key else beginning | Q(username_key__startswith=key)


def sessions(typed: str) -> Q:
    """Sessions by id, IP address, id of a request, or their user: by id, username, address or former address."""
    if place := _ip(typed):
        return Q(ip=place)
    by_request = SecurityEvent.objects.filter(of_request(typed)).exclude(session_id=None)
    ids = [*by_request.values_list("session_id", flat=True)[:MOST_AT_A_PLACE]]
    if (id := _uuid(typed)) is not None:
        ids.append(id)
    return Q(pk__in=ids) | Q(user_id__in=_people(typed))


def events(typed: str) -> Q:
    """Security events by id of a request or a session, IP address, or their user or actor."""
    if place := _ip(typed):
        return Q(ip=place)
    found = of_request(typed)
    if (id := _uuid(typed)) is not None:
        found |= Q(session_id=id)
    people = _people(typed)
    return found | Q(user_id__in=people) | Q(actor_id__in=people) if people else found


def messages(typed: str) -> Q:
    """Mails by their Message-ID, or by their user: id, username, or a present, former or requested address.

    Mails to an address without an account are found by the address as well.
    """
    found = Q(message_id=typed) | Q(user_id__in=_people(typed))
    return found | Q(user=None, lower_to=Lower(Value(typed))) if "@" in typed else found


def _people(typed: str) -> list[uuid.UUID]:
    """Users with exactly this id, username or address. An address may also be a former or a requested one."""
    key = names.lookup_key(typed)
    if "@" in key:
        former = FormerAddress.objects.filter(email_key=key).values_list("user_id", flat=True)[:MOST_AT_A_PLACE]
        return [*addresses.owners(key), *former]
    these = Q(username_key=key) | Q(external_id=typed) if typed else Q(username_key=key)
    # A username may look like an id.
    if (id := _uuid(typed)) is not None:
        these |= Q(pk=id)
    return list(User.objects.filter(these).values_list("pk", flat=True))


def _by_request(typed: str) -> list[uuid.UUID]:
    events = SecurityEvent.objects.filter(of_request(typed)).exclude(user=None)
    return [id for id in events.values_list("user_id", flat=True)[:MOST_AT_A_PLACE] if id is not None]


def _at(place: str) -> list[uuid.UUID]:
    """Users who logged in from this IP address, the latest first."""
    these = Session.objects.filter(ip=place).order_by("-started_at", "-pk")
    return list(dict.fromkeys(these.values_list("user_id", flat=True)[:MOST_AT_A_PLACE]))


def _uuid(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None


def _ip(typed: str) -> str:
    """The IP address in the stored form; "" for any other text."""
    try:
        return str(ipaddress.ip_address(typed))
    except ValueError:
        return ""
