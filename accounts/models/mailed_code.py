from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_TRIES = 5


class MailedCodeQuerySet(models.QuerySet[Any]):
    def live(self, now: datetime) -> Self:
        """Codes that may still be tried: neither too old, nor guessed at too often."""
        return self.filter(expires_at__gt=now, tries__lt=MOST_TRIES)


class MailedCode(models.Model):
    """The present code of one address, for one purpose: each purpose has a table of its own.

    There is one row an address, so a newer code takes the place of the one before. A spent one has an
    empty hash, which no code has.
    """

    # What a hash begins with, so that one of this table is good in no other.
    PURPOSE: ClassVar[bytes]

    email_key = models.CharField(_("e-mail"), max_length=600, primary_key=True)
    code_hash = models.CharField(max_length=64, editable=False, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    expires_at = models.DateTimeField(_("expires"))

    objects = MailedCodeQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.email_key


class VerificationCode(MailedCode):
    """For signing up, and for a forgotten password (contract, Durudex)."""

    PURPOSE = b"accounts verification code"

    # The release before counts by these two how many codes it sends in an hour.
    issued = models.PositiveIntegerField(_("issued in this hour"), default=0)
    hour_started_at = models.DateTimeField(_("hour started"), db_index=True)

    class Meta:
        verbose_name = _("verification code")
        verbose_name_plural = _("verification codes")
        indexes = [models.Index(fields=["expires_at"], name="code_expires")]


class LoginCode(MailedCode):
    """For logging in."""

    PURPOSE = b"accounts login code"

    class Meta:
        verbose_name = _("login code")
        verbose_name_plural = _("login codes")
        indexes = [models.Index(fields=["expires_at"], name="login_code_expires")]
