from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_TRIES = 5


class VerificationCodeQuerySet(models.QuerySet["VerificationCode"]):
    def live(self, now: datetime) -> Self:
        """Codes that may still be tried: neither too old, nor guessed at too often."""
        return self.filter(expires_at__gt=now, tries__lt=MOST_TRIES)


class VerificationCode(models.Model):
    """The present code of one address (contract, Durudex).

    There is one row an address, so a newer code takes the place of the one before. A spent one has an
    empty hash, which no code has.
    """

    email_key = models.CharField(_("e-mail"), max_length=600, primary_key=True)
    code_hash = models.CharField(max_length=64, editable=False, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    expires_at = models.DateTimeField(_("expires"))
    # The release before counts by these two how many codes it sends in an hour.
    issued = models.PositiveIntegerField(_("issued in this hour"), default=0)
    hour_started_at = models.DateTimeField(_("hour started"), db_index=True)

    objects = VerificationCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("verification code")
        verbose_name_plural = _("verification codes")
        indexes = [models.Index(fields=["expires_at"], name="code_expires")]

    def __str__(self) -> str:
        return self.email_key
