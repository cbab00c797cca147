import uuid
from datetime import UTC, datetime
from typing import Self

from django.db import models
from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models.compiled import CompiledGet
from accounts.models.user import User


class EndReason(models.TextChoices):
    LOGGED_OUT = "logged_out", _("logged out")
    ENDED_BY_USER = "ended_by_user", _("ended by its user")
    ENDED_BY_ADMIN = "ended_by_admin", _("ended by an administrator")
    PASSWORD_CHANGED = "password_changed", _("the password was changed")
    PASSWORD_RESET = "password_reset", _("the password was reset")
    DISOWNED = "disowned", _("its user said: it was not me")
    DEACTIVATED = "deactivated", _("the account was deactivated")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("a refresh token was used again")


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: datetime) -> Self:
        """Sessions that still prove something: not ended, not past their absolute end, of an active user."""
        return self.filter(ended_at=None, expires_at__gt=now, user__is_active=True)

    def with_user(self) -> Self:
        """Adds the user and `email_verified` (bool), in the same statement."""
        return self.select_related("user").annotate(
            primary_address=FilteredRelation("user__emailaddress", condition=Q(user__emailaddress__primary=True)),
            email_verified=Coalesce(F("primary_address__verified"), False),
        )

    def end(self, *, reason: EndReason, now: datetime) -> list["Session"]:
        """Ends those of these sessions that nobody ended before, in one statement, and answers just them."""
        # The condition stands on the row that is changed, whatever `self` joins: PostgreSQL looks at that again
        # after it has waited for a row, but not at what a subquery saw before.
        these = Session.objects.filter(pk__in=self.order_by().values("pk"))
        if not these.filter(ended_at=None).update(ended_at=now, end_reason=reason):
            return []
        return list(these.filter(ended_at=now, end_reason=reason))


class Session(models.Model):
    """One login. Its id is the claim `sid` of every token made from it (contract, Tokens and sessions).

    The state of its refresh token is the hash of the current token's id and the time of the last rotation:
    the row does not grow, and what it holds logs nobody in.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("user"))
    dialect = models.CharField(_("dialect"), max_length=16)
    ip = models.CharField(_("IP address"), max_length=45, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=400, blank=True)
    started_at = models.DateTimeField(_("started"))
    last_used_at = models.DateTimeField(_("last used"))
    expires_at = models.DateTimeField(_("absolute end"), db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("end reason"), max_length=32, choices=EndReason, blank=True)
    refresh_hash = models.CharField(max_length=64, editable=False)
    rotated_at = models.DateTimeField(_("refresh token issued"))

    # Set by SessionQuerySet.with_user().
    email_verified: bool

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-started_at"]
        permissions = [("end_session", "Can end sessions of users")]

    def __str__(self) -> str:
        return str(self.id)


def _proof(session_id: uuid.UUID, now: datetime) -> SessionQuerySet:
    return Session.objects.live(now).with_user().filter(pk=session_id)


# The live session of an id, with its user: what every access and refresh token is held against. It is found by its id
# alone: asked for the user's id as well, PostgreSQL may walk through all sessions that the user ever had.
session_proof: CompiledGet[Session] = CompiledGet(
    _proof,
    {
        "session_id": (Session._meta.pk, uuid.UUID(int=1)),
        "now": (Session._meta.get_field("expires_at"), datetime(2000, 1, 1, tzinfo=UTC)),
    },
)
