"""Users: find, add, set single values, keep a superuser."""

import secrets
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import gettext as _

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import Actor, ActorKind, ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User
from accounts.models.session import EndReason
from accounts.models.user import Address, UserQuerySet
from accounts.services import addresses, names

# Longer than any id in any spelling.
LONGEST_ID = 1000
# How often an insert is tried if the name is taken, or was taken and is free now.
INSERT_ATTEMPTS = 5
# How many users one run of the hourly deletion deletes.
MOST_DELETED = 10_000


def find(*typed: str) -> User | None:
    """The user whom all of `typed` (usernames or addresses) mean; one statement."""
    return _meant_by(typed).first()


def find_for_login(*typed: str, place: str) -> tuple[User | None, bool]:
    """The user whom all of `typed` mean, and whether they have logged in from `place` lately; one statement."""
    since = clock.now() - conf.place_known_for
    logins = Session.objects.filter(user=OuterRef("pk"), place=place, started_at__gt=since)
    logins = logins.exclude(place="").exclude(end_reason=EndReason.DISOWNED)
    user = _meant_by(typed).annotate(knows_place=Exists(logins)).first()
    return user, bool(user and user.__dict__.pop("knows_place"))


def get(user_id: uuid.UUID) -> User:
    """The user with this id, and their address. Raises AccountError(USER_NOT_FOUND) if they were deleted."""
    user = User.objects.with_address().filter(pk=user_id).first()
    if user is None:
        raise AccountError(ErrorCode.USER_NOT_FOUND)
    return user


def find_by_email(email: str) -> User | None:
    """The user who has this address; one statement."""
    return User.objects.with_address().filter(email_key=names.lookup_key(email)).first()


def find_by_id(raw: str) -> User | None:
    """The active user with this id. An id that does not exist costs the same statement."""
    try:
        pk = uuid.UUID(raw[:LONGEST_ID])
    except ValueError:
        pk = uuid.UUID(int=0)
    return User.objects.with_address().filter(pk=pk, is_active=True).first()


def find_by_uid(uid: str) -> User | None:
    """The user of a reset link's uid. A uid that does not exist costs the same statement."""
    try:
        pk = uuid.UUID(urlsafe_base64_decode(uid[:LONGEST_ID]).decode())
    except (ValueError, UnicodeDecodeError):
        pk = uuid.UUID(int=0)
    return User.objects.with_address().filter(pk=pk, is_active=True).first()


def nobody() -> User:
    """A user who does not exist. Work for them takes as long as for an existing user."""
    user = User(username="nobody", email="nobody@invalid", email_key="nobody@invalid", password="!")
    user.address = Address(pk=0, verified=False)
    return user


def counted_as(user: User | None, *typed: str, known_place: str = "") -> str:
    """The key under which limits count tries: the id of the account, or the canonical names if no account has them.

    known_place: a place from which the user has logged in before. Tries from there are counted separately, so that
    somebody who guesses elsewhere does not lock the user out.
    """
    if user is None:
        return "\0".join(names.lookup_key(name) for name in typed)
    return f"{user.pk} {known_place}".strip()


def counted_from(session: Session, context: ClientContext) -> str:
    """counted_as() of the user of `session`, with its place as the known one."""
    return counted_as(session.user, known_place=context.place if session.place == context.place else "")


def add(user: User, *, verified: bool, may_rename: bool = False) -> None:
    """Inserts a new user and their address. The unique constraints decide between two of the same name.

    may_rename: adds a suffix to the username if it is taken. Raises AccountError(USERNAME_TAKEN or EMAIL_TAKEN).
    """
    name = user.username
    for _attempt in range(INSERT_ATTEMPTS):
        try:
            with transaction.atomic():
                user.save(force_insert=True)
                addresses.add(user, verified=verified)
            return
        except IntegrityError:
            # If the name may change, the address is checked first, so that a taken address costs the same as a new one.
            taken = _taken(user, ErrorCode.EMAIL_TAKEN if may_rename else ErrorCode.USERNAME_TAKEN)
        if taken is ErrorCode.USERNAME_TAKEN and may_rename:
            user.username = f"{name}-{secrets.token_hex(3)}"
        elif taken:
            raise AccountError(taken)
        # If neither is taken now, its owner has given it up meanwhile.
    raise AccountError(ErrorCode.USERNAME_TAKEN)


def set_profile(user: User, values: Mapping[str, str]) -> None:
    """Sets these columns (`username`, `avatar_url`) and no other. Raises AccountError(USERNAME_TAKEN)."""
    for column, value in values.items():
        setattr(user, column, value)
    try:
        with transaction.atomic():
            user.store(*values)
    except IntegrityError:
        raise AccountError(ErrorCode.USERNAME_TAKEN) from None


def note_visit(user: User, *, now: datetime) -> None:
    User.objects.filter(pk=user.pk).update(last_visit=now)


def note_lock(user: User | None, *, until: datetime | None) -> None:
    """Writes until when wrong passwords lock `user`, once for each such time. Without a user it costs the same work.

    until: nothing is done where it is None.
    """
    if until is not None:
        pk = user.pk if user else uuid.UUID(int=0)
        earlier = User.objects.filter(Q(locked_until=None) | Q(locked_until__lt=until), pk=pk)
        earlier.update(locked_until=until)


def locked(*, now: datetime) -> Q:
    """The condition that wrong passwords lock a user."""
    return Q(locked_until__gt=now)


def keep_a_superuser(user: User, *, in_admin: bool = False) -> None:
    """Raises AccountError(LAST_SUPERUSER) if no other active superuser would be left without `user`.

    in_admin: the other superuser must be allowed to use the admin. Called in the transaction that takes the role or the
    account from `user`. The rows of all active superusers are locked until its end, so that of two superusers who
    remove each other one stays. For any other user only their own row is locked, so that they do not become a superuser
    meanwhile.
    """
    themselves = User.objects.filter(pk=user.pk).exclude(is_superuser=True, is_active=True)
    if themselves.select_for_update(no_key=True).values_list("pk").first():
        return
    superusers = User.objects.get_queryset().active_superusers().order_by("pk").select_for_update(no_key=True)
    if in_admin:
        superusers = superusers.filter(is_staff=True)
    if set(superusers.values_list("pk", flat=True)) == {user.pk}:
        raise AccountError(ErrorCode.LAST_SUPERUSER, reasons=(_("The last active superuser has to stay."),))


def protect_superusers(user_ids: Collection[uuid.UUID], context: ClientContext) -> None:
    """Raises AccountError(SUPERUSER_PROTECTED) if an administrator who is no superuser acts on one."""
    actor = context.actor
    if actor.kind is not ActorKind.ADMINISTRATOR:
        return
    if not User.objects.filter(pk__in=user_ids, is_superuser=True).exists():
        return
    if not _is_superuser(actor):
        raise AccountError(ErrorCode.SUPERUSER_PROTECTED)


def protect_staff(user: User, context: ClientContext) -> None:
    """Raises AccountError(SUPERUSER_PROTECTED) if an administrator who is no superuser acts on an administrator.

    For acts that would give them the other's permissions.
    """
    actor = context.actor
    if actor.kind is not ActorKind.ADMINISTRATOR or _is_superuser(actor):
        return
    if User.objects.filter(pk=user.pk, is_staff=True).exists():
        reason = _("Only a superuser may do this to somebody who may use the admin.")
        raise AccountError(ErrorCode.SUPERUSER_PROTECTED, reasons=(reason,))


def set_active(user: User, active: bool) -> bool:
    """Activates or deactivates; False if nothing changes. An activation cancels a planned deletion."""
    user.is_active = active
    changes: dict[str, object] = {"is_active": active} | ({"deletion_due_at": None} if active else {})
    return bool(User.objects.filter(pk=user.pk).exclude(is_active=active).update(**changes))


def set_roles(user: User, *, is_staff: bool | None, is_superuser: bool | None) -> bool:
    """Sets the roles that are not None; False if nothing changes."""
    roles = {"is_staff": is_staff, "is_superuser": is_superuser}
    changed = {role: value for role, value in roles.items() if value is not None and value is not getattr(user, role)}
    for role, value in changed.items():
        setattr(user, role, value)
    if changed:
        user.store(*changed)
    return bool(changed)


def set_groups(user: User, groups: Collection[Group]) -> bool:
    """Puts the user into exactly these groups; False if nothing changes."""
    if set(user.groups.all()) == set(groups):
        return False
    user.groups.set(groups)
    return True


def schedule_deletion(user: User, *, due_at: datetime) -> bool:
    """Deactivates an active user, who is to be deleted at `due_at`; False if another request was faster."""
    user.is_active, user.deletion_due_at = False, due_at
    return bool(User.objects.filter(pk=user.pk, is_active=True).update(is_active=False, deletion_due_at=due_at))


def undo_deletion(user_id: uuid.UUID, *, due_at: datetime, now: datetime) -> User | None:
    """Activates a user who was to be deleted at `due_at`, once; None if that is over or was undone."""
    waiting = User.objects.filter(pk=user_id, deletion_due_at=due_at, deletion_due_at__gt=now)
    if not waiting.update(is_active=True, deletion_due_at=None):
        return None
    return get(user_id)


def due_for_deletion(*, now: datetime) -> list[uuid.UUID]:
    """The ids of at most MOST_DELETED users whose grace is over, the longest first."""
    due = User.objects.filter(deletion_due_at__lte=now).order_by("deletion_due_at")
    return list(due.values_list("pk", flat=True)[:MOST_DELETED])


def lock_due_for_deletion(user_id: uuid.UUID, *, now: datetime) -> User | None:
    """This user, locked, if they are still to be deleted and no other worker does that."""
    due = User.objects.filter(pk=user_id, deletion_due_at__lte=now)
    return due.select_for_update(skip_locked=True).first()


def note_export_asked(user: User, *, at: datetime) -> None:
    """Notes the time of the request. An earlier request for an export is void."""
    user.export_asked_at = at
    user.store("export_asked_at")


def spend_export(user_id: uuid.UUID, *, email_key: str, asked_at: datetime) -> User | None:
    """The user who asked for an export at that time and still has this address, once; None otherwise."""
    asked = User.objects.filter(pk=user_id, email_key=email_key, export_asked_at=asked_at, is_active=True)
    return get(user_id) if asked.update(export_asked_at=None) else None


def export(user: User) -> list[dict[str, object]]:
    """The stored data of the user themselves, without the values that log in."""
    columns = ("id", "username", "email", "avatar_url", "language", "external_id")
    roles = ("is_active", "is_staff", "is_superuser")
    times = ("created_at", "last_visit", "mailbox_proved_at", "disowned_at", "deletion_due_at", "locked_until")
    row: dict[str, object] = {column: getattr(user, column) for column in (*columns, *roles, *times)}
    return [row | {"groups": sorted(user.groups.values_list("name", flat=True))}]


def export_notes(user: User) -> list[dict[str, object]]:
    """The notes of administrators about a user, without their authors."""
    return [{"at": note.at, "text": note.text} for note in user.notes.order_by("at", "id")]


def _is_superuser(actor: Actor) -> bool:
    users = User.objects.get_queryset().active_superusers()
    return actor.user_id is not None and users.filter(pk=actor.user_id).exists()


def _meant_by(typed: tuple[str, ...]) -> UserQuerySet:
    users = User.objects.with_address()
    for name in typed:
        users = users.filter(**{"email_key" if "@" in name else "username_key": names.lookup_key(name)})
    return users


def _taken(user: User, first: ErrorCode) -> ErrorCode | None:
    """Which of the user's names another user has. The name `first` is checked first."""
    keys = {
        ErrorCode.USERNAME_TAKEN: {"username_key": user.username_key},
        ErrorCode.EMAIL_TAKEN: {"email_key": user.email_key},
    }
    in_order = sorted(keys, key=lambda code: code is not first)
    return next((code for code in in_order if User.objects.filter(**keys[code]).exists()), None)
