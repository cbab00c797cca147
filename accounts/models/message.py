from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.core import clock


class MessageKind(models.TextChoices):
    VERIFICATION = "verification", _("verify your address")
    REGISTRATION_ATTEMPT = "registration_attempt", _("somebody tried to register with your address")
    VERIFICATION_CODE = "verification_code", _("your code")
    LOGIN_CODE = "login_code", _("your code to log in")
    PASSWORD_RESET = "password_reset", _("reset your password")
    PASSWORD_CHANGED = "password_changed", _("your password was changed")
    PASSWORD_GUESSED = "password_guessed", _("somebody tries to guess your password")
    EMAIL_CHANGE = "email_change", _("confirm your new address")
    EMAIL_CHANGE_REQUESTED = "email_change_requested", _("somebody asked to change your address")
    EMAIL_CHANGED = "email_changed", _("your e-mail address was changed")
    DATA_EXPORT = "data_export", _("a copy of your data")
    ACCOUNT_DELETION = "account_deletion", _("your account will be deleted")
    FACTOR_ADDED = "factor_added", _("a second factor was added")
    FACTOR_REMOVED = "factor_removed", _("a second factor was removed")
    IDENTITY_ADDED = "identity_added", _("another provider was connected")
    IDENTITY_REMOVED = "identity_removed", _("another provider was disconnected")
    RECOVERY_CODE_USED = "recovery_code_used", _("a recovery code was used")
    RECOVERY_CODES_FEW = "recovery_codes_few", _("you have few recovery codes left")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("a refresh token was used again")


class MessageState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENT = "sent", _("sent")
    DEAD = "dead", _("dead letter")
    EXPIRED = "expired", _("expired before it could be sent")
    DISCARDED = "discarded", _("nobody to send it to")


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: datetime) -> Self:
        """Queued messages that are due and that no worker has claimed, the oldest first."""
        return self.filter(
            Q(claimed_until=None) | Q(claimed_until__lte=now), state=MessageState.QUEUED, due_at__lte=now
        )

    def nobodys(self, address: str) -> Self:
        """Messages to this address that belong to no account."""
        return self.alias(lower_to=Lower("to")).filter(user=None, lower_to=Lower(Value(address)))


class Message(models.Model):
    """A mail that is to be sent. Its row is committed together with its cause, and a worker sends it later.

    A message without an address stands for a mail to an account that does not exist. It is written and thrown away, so
    that a known and an unknown address cost the same. user: the owner of the mail, which is deleted with the account.
    NULL for mail that was sent before there was an account.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
    )
    kind = models.CharField(_("kind"), max_length=32, choices=MessageKind)
    to = models.CharField(_("to"), max_length=254, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    message_id = models.CharField(_("Message-ID"), max_length=200, unique=True)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    text = models.TextField(blank=True, editable=False)
    html = models.TextField(blank=True, editable=False)
    state = models.CharField(_("state"), max_length=16, choices=MessageState, default=MessageState.QUEUED)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    due_at = models.DateTimeField(_("due"), default=clock.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-created_at", "-id"]
        permissions = [("retry_message", "Can send dead letters again")]
        indexes = [
            models.Index(fields=["due_at"], name="message_due", condition=Q(state=MessageState.QUEUED)),
            models.Index(fields=["settled_at"], name="message_settled"),
            models.Index(Lower("to"), name="message_nobodys", condition=Q(user=None)),
            models.Index(fields=["created_at", "id"], name="message_created"),
            models.Index(fields=["created_at"], name="message_dead", condition=Q(state=MessageState.DEAD)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"
