from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_TRIES = 5


class MailedCodeQuerySet(models.QuerySet[Any]):
    def live(self, now: datetime) -> Self:
        """Codes that are not expired and have tries left."""
        return self.filter(expires_at__gt=now, tries__lt=MOST_TRIES)


class MailedCode(models.Model):
    """The present code of one address for one purpose. Each purpose has a table of its own.

    Each address has one row, so a new code replaces the one before. A spent code leaves an empty hash, which matches no
    code.
    """

    # The text at the beginning of each hashed code. It keeps a code of one table from being accepted in another.
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

    # The previous release counts with these two columns how many codes it sends in an hour.
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
