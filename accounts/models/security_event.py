from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Right
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from accounts.core.context import ActorKind
from accounts.models.user import User


class EventKind(models.TextChoices):
    """The catalogue of what is recorded (OWASP ASVS 5.0, 16.3.1)."""

    REGISTERED = "registered", _("registered")
    IMPORTED = "imported", _("moved in from elsewhere")
    REGISTRATION_REFUSED = "registration_refused", _("registration refused: the address is taken")
    VERIFICATION_REQUESTED = "verification_requested", _("verification mail asked for")
    CODE_REQUESTED = "code_requested", _("e-mail code asked for")
    CODE_REFUSED = "code_refused", _("e-mail code refused")
    EMAIL_VERIFIED = "email_verified", _("e-mail verified")
    EMAIL_UNVERIFIED = "email_unverified", _("e-mail marked as not verified")
    EMAIL_CHANGE_REQUESTED = "email_change_requested", _("change of the e-mail asked for")
    EMAIL_CHANGED = "email_changed", _("e-mail changed")
    LOGGED_IN = "logged_in", _("logged in")
    LOGIN_FAILED = "login_failed", _("login failed")
    PASSWORD_GUESSED = "password_guessed", _("too many wrong passwords")
    FACTOR_ASKED = "factor_asked", _("second factor asked for")
    FACTOR_REFUSED = "factor_refused", _("second factor refused")
    FACTOR_ADDED = "factor_added", _("second factor added")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    IDENTITY_ADDED = "identity_added", _("another provider connected")
    IDENTITY_REMOVED = "identity_removed", _("another provider disconnected")
    RECOVERY_CODES_MADE = "recovery_codes_made", _("new recovery codes")
    REAUTHENTICATED = "reauthenticated", _("proved again who they are")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("a refresh token was used again")
    SESSION_ENDED = "session_ended", _("session ended")
    PROFILE_CHANGED = "profile_changed", _("profile changed")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_CHANGE_FAILED = "password_change_failed", _("password change failed")
    PASSWORD_RESET_REQUESTED = "password_reset_requested", _("password reset asked for")
    PASSWORD_RESET = "password_reset", _("password reset")
    NOT_REGISTERED = "not_registered", _("the owner of the address did not register")
    DISOWNED = "disowned", _("its user said: it was not me")
    ACTIVATED = "activated", _("account activated")
    DEACTIVATED = "deactivated", _("account deactivated")
    ROLES_CHANGED = "roles_changed", _("roles changed")
    GROUPS_CHANGED = "groups_changed", _("groups changed")
    GROUP_CHANGED = "group_changed", _("a group and its permissions changed")
    GROUP_DELETED = "group_deleted", _("a group was deleted")
    EXPORT_REQUESTED = "export_requested", _("copy of the data asked for")
    EXPORTED = "exported", _("copy of the data fetched")
    DELETION_REQUESTED = "deletion_requested", _("deletion of the account asked for")
    DELETION_UNDONE = "deletion_undone", _("account kept after all")
    DELETED = "deleted", _("account deleted")
    UNLOCKED = "unlocked", _("unlocked after wrong passwords")
    NOTE_ADDED = "note_added", _("note of an administrator")
    VIEWED = "viewed", _("looked at by an administrator")
    SIGNING_KEY_ROTATED = "signing_key_rotated", _("the next signing key was published")
    SIGNING_KEY_RETIRED = "signing_key_retired", _("a signing key was retired")


# The events that guessing at passwords and codes causes. An index contains these kinds by time, so a change of the list
# needs a migration.
GUESSES = (
    EventKind.CODE_REFUSED,
    EventKind.FACTOR_REFUSED,
    EventKind.LOGIN_FAILED,
    EventKind.PASSWORD_CHANGE_FAILED,
    EventKind.PASSWORD_GUESSED,
)


# Events between administrators, and events of no account. Users do not see these among their own events.
NOT_FOR_USERS = (
    EventKind.NOTE_ADDED,
    EventKind.VIEWED,
    EventKind.GROUP_CHANGED,
    EventKind.GROUP_DELETED,
    EventKind.SIGNING_KEY_ROTATED,
    EventKind.SIGNING_KEY_RETIRED,
)


class ActorChoices(models.TextChoices):
    """ActorKind with labels for people."""

    STRANGER = ActorKind.STRANGER.value, _("a stranger")
    USER = ActorKind.USER.value, _("the user")
    ADMINISTRATOR = ActorKind.ADMINISTRATOR.value, _("an administrator")
    COMMAND = ActorKind.COMMAND.value, _("a command")
    SERVICE = ActorKind.SERVICE.value, _("the server")


# How many letters at the end of a request's id the index contains.
TELLING = 8
# Actors that are rare beside users and strangers.
RARE_ACTORS = (ActorKind.ADMINISTRATOR.value, ActorKind.COMMAND.value, ActorKind.SERVICE.value)


def of_request(request_id: str) -> Q:
    """The condition that events belong to the request of this id. It uses the index on the end of the id."""
    end = Exact(Right("request_id", TELLING), request_id[-TELLING:])
    return Q(request_id=request_id) & Q(end)


class SecurityEvent(models.Model):
    """One thing that happened to an account. It is written in the transaction of what it records, and never changed.

    It stays after its user is deleted, without their personal data.
    """

    kind = models.CharField(_("kind"), max_length=32, choices=EventKind)
    at = models.DateTimeField(_("time"), db_index=True)
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="security_events", verbose_name=_("user")
    )
    actor_kind = models.CharField(_("done by"), max_length=16, choices=ActorChoices, blank=True, db_default="")
    actor = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("actor")
    )
    session_id = models.UUIDField(_("session"), null=True)
    dialect = models.CharField(_("dialect"), max_length=16)
    ip = models.CharField(_("IP address"), max_length=45, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=400, blank=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    detail = models.CharField(_("detail"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["session_id"], name="event_session"),
            # The end of an id is enough to find it, and takes a third of the room.
            models.Index(Right("request_id", TELLING), name="event_request"),
            models.Index(fields=["ip", "at"], name="event_ip_at"),
            models.Index(fields=["kind"], name="event_kind"),
            models.Index(fields=["actor_kind", "at"], name="event_actor_kind", condition=Q(actor_kind__in=RARE_ACTORS)),
            models.Index(fields=["at"], name="event_of_guessing", condition=Q(kind__in=GUESSES)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_of_another_client(self) -> bool:
        """Whether an administrator or the operator acted, so that the client was not the user's."""
        return self.actor_kind in (ActorKind.ADMINISTRATOR, ActorKind.COMMAND)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a security event is never changed")
        super().save(*args, **kwargs)
