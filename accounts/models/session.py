import uuid
from datetime import datetime
from typing import Any, Self

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import FilteredRelation, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.core import clock
from accounts.models.user import Address, User


class SessionKind(models.TextChoices):
    """What a client holds of a session: tokens, a cookie of a browser, or the cookie of the admin."""

    API = "api", _("API")
    BROWSER = "browser", _("browser")
    ADMIN = "admin", _("admin")


class Method(models.TextChoices):
    """A way in which a user has proved who they are. Tokens name it in the words of RFC 8176 (services/sessions.py)."""

    PASSWORD = "pwd", _("password")
    MAILED_CODE = "otp", _("mailed code")
    TOTP = "totp", _("code of an authenticator app")
    RECOVERY_CODE = "recovery", _("recovery code")
    PASSKEY = "passkey", _("passkey")
    PROVIDER = "provider", _("another provider")
    PROVIDER_FACTOR = "provider_mfa", _("second factor at another provider")


# The methods that count as a second factor beside a password.
SECOND_FACTORS = frozenset((Method.TOTP, Method.RECOVERY_CODE, Method.PASSKEY, Method.PROVIDER_FACTOR))


class EndReason(models.TextChoices):
    LOGGED_OUT = "logged_out", _("logged out")
    ENDED_BY_USER = "ended_by_user", _("ended by its user")
    ENDED_BY_ADMIN = "ended_by_admin", _("ended by an administrator")
    PASSWORD_CHANGED = "password_changed", _("the password was changed")
    PASSWORD_RESET = "password_reset", _("the password was reset")
    FACTORS_CHANGED = "factors_changed", _("the second factors were changed")
    DISOWNED = "disowned", _("its user said: it was not me")
    DEACTIVATED = "deactivated", _("the account was deactivated")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("a refresh token was used again")


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: datetime) -> Self:
        """Sessions that still count: not ended, not past their absolute end, of an active user."""
        return self.filter(ended_at=None, expires_at__gt=now, user__is_active=True)

    def with_user(self) -> Self:
        """Reads the user and their address in the same statement."""
        primary = FilteredRelation("user__emailaddress", condition=Q(user__emailaddress__primary=True))
        return self.annotate(joined_address=primary).select_related("user", "joined_address")

    def end(self, *, reason: EndReason, now: datetime) -> list["Session"]:
        """Ends the sessions among these that are not ended yet, in one statement, and returns those."""
        # The condition is on the changed row itself, not in a subquery of `self`. After waiting for a row, PostgreSQL
        # checks the row again, but not what a subquery has seen.
        these = Session.objects.filter(pk__in=self.order_by().values("pk"))
        if not these.filter(ended_at=None).update(ended_at=now, end_reason=reason):
            return []
        return list(these.filter(ended_at=now, end_reason=reason))


class Session(models.Model):
    """One login. Its id is the claim `sid` of every token made from it (contract, Tokens and sessions).

    For its refresh tokens the row holds the hash of the current token's id and the times of the last rotations. So the
    row does not grow, and its content is not enough to log in.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("user"))
    dialect = models.CharField(_("dialect"), max_length=16)
    ip = models.CharField(_("IP address"), max_length=45, blank=True)
    # The place of the login, as limits count it (ClientContext.place).
    place = models.CharField(max_length=45, blank=True, editable=False, default="", db_default="")
    user_agent = models.CharField(_("user agent"), max_length=400, blank=True)
    started_at = models.DateTimeField(_("started"))
    last_used_at = models.DateTimeField(_("last used"))
    expires_at = models.DateTimeField(_("absolute end"), db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("end reason"), max_length=32, choices=EndReason, blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=SessionKind, default=SessionKind.API, db_default="api")
    amr = models.CharField(_("proved by"), max_length=64, default="pwd", db_default="pwd")
    auth_time = models.DateTimeField(_("last proved"), db_default=Now())
    refresh_hash = models.CharField(max_length=64, editable=False)
    rotated_at = models.DateTimeField(_("refresh token issued"))
    # The times of the seven rotations before that, the latest first: microseconds since 1970, separated by blanks.
    rotated_before = models.CharField(max_length=120, blank=True, editable=False, default="", db_default="")
    # When the current refresh token was first used in a way that did not rotate it.
    shown_at = models.DateTimeField(null=True, editable=False)

    # When find_live() read the row, by the database's clock.
    read_at: datetime

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-started_at"]
        permissions = [("end_session", "Can end sessions of users")]
        indexes = [
            models.Index(fields=["started_at"], name="session_started"),
            models.Index(fields=["ip", "started_at"], name="session_ip_started"),
            models.Index(fields=["started_at"], name="session_admin", condition=Q(kind="admin")),
            models.Index(fields=["end_reason", "started_at"], name="session_end_reason", condition=~Q(end_reason="")),
        ]

    def __str__(self) -> str:
        return str(self.id)


SESSION_FIELDS = [field.attname for field in Session._meta.concrete_fields]
USER_FIELDS = [field.attname for field in User._meta.concrete_fields]
LIVE_SESSION = f"""
    SELECT {", ".join(f"session.{field.column}" for field in Session._meta.concrete_fields)},
        {", ".join(f"owner.{field.column}" for field in User._meta.concrete_fields)},
        address.id, address.verified, statement_timestamp()
    FROM accounts_session AS session
    JOIN accounts_user AS owner ON owner.id = session.user_id
    LEFT JOIN account_emailaddress AS address ON address.user_id = owner.id AND address."primary"
    WHERE session.id = %s AND session.ended_at IS NULL AND session.expires_at > %s AND owner.is_active
    """  # noqa: S608


def find_live(session_id: uuid.UUID, *, now: datetime) -> Session | None:
    """The live session of this id with its user and their address, in one statement, or None.

    Every access and refresh token is checked with it. On PostgreSQL the statement is written out, because Django takes
    several times as long to build it as the database takes to run it. It finds the session by its id alone: with the
    user's id as well, PostgreSQL may walk through all sessions that the user ever had.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        session = Session.objects.live(now).with_user().filter(pk=session_id).first()
        if session is not None:
            session.user.address = getattr(session, "joined_address", None)
            session.read_at = clock.now()
        return session
    cursor = connection.kept_cursor()
    cursor.execute(LIVE_SESSION, [session_id, now])
    row = cursor.fetchone()
    if row is None:
        return None
    *columns, address_id, verified, read_at = row
    session = Session.from_db(DEFAULT_DB_ALIAS, SESSION_FIELDS, columns[: len(SESSION_FIELDS)])
    user = User.from_db(DEFAULT_DB_ALIAS, USER_FIELDS, columns[len(SESSION_FIELDS) :])
    # As select_related() does it. A plain assignment would look for a router first.
    Session._meta.get_field("user").set_cached_value(session, user)
    user.address = None if address_id is None else Address(pk=address_id, verified=verified)
    session.read_at = read_at
    return session


MOVE_ON = """
    UPDATE accounts_session
    SET refresh_hash = %s, rotated_before = %s, shown_at = NULL,
        rotated_at = statement_timestamp(), last_used_at = statement_timestamp()
    WHERE id = %s AND refresh_hash = %s AND ended_at IS NULL
    RETURNING rotated_at
    """


def move_on(session: Session, *, refresh_hash: str, rotated_before: str) -> datetime | None:
    """Gives the session its next refresh token, and returns the time of that by the database's clock.

    Returns None, and changes nothing, if the session was ended or moved on since it was read. One statement decides a
    race: of several refreshes, logouts and password changes, the first one that writes makes the condition false for
    the others. Django's update() cannot return what the database wrote.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        now = clock.now()
        changes = {"refresh_hash": refresh_hash, "rotated_before": rotated_before, "shown_at": None}
        these = Session.objects.filter(pk=session.pk, refresh_hash=session.refresh_hash, ended_at=None)
        return now if these.update(**changes, rotated_at=now, last_used_at=now) else None
    with connection.cursor() as cursor:
        cursor.execute(MOVE_ON, [refresh_hash, rotated_before, session.pk, session.refresh_hash])
        row = cursor.fetchone()
    return row[0] if row else None


def database_now() -> datetime | Now:
    """The time of the statement that contains it: by PostgreSQL's clock there, otherwise by the machine's."""
    return Now() if connections[DEFAULT_DB_ALIAS].vendor == "postgresql" else clock.now()
