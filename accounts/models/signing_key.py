from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.core import clock


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def verifying(self, now: datetime) -> Self:
        """Keys whose tokens are accepted, including the ones published ahead; the newest first."""
        return self.filter(Q(verifies_until=None) | Q(verifies_until__gt=now), retired_at=None).order_by("-sequence")


class SigningKey(models.Model):
    """An Ed25519 key pair that signs tokens; the private part is encrypted under SECRET_KEY.

    signs_from is in the future while the key is only published. verifies_until is set when a successor is made: after
    that time, every token that this key has signed is expired.
    """

    kid = models.CharField(_("key id"), max_length=32, primary_key=True)
    # Its unique constraint lets only one of several workers make a key.
    sequence = models.PositiveIntegerField(_("sequence"), unique=True)
    public_key = models.CharField(_("public key"), max_length=64)
    private_key = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    signs_from = models.DateTimeField(_("signs from"))
    verifies_until = models.DateTimeField(_("verifies until"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ["-sequence"]
        permissions = [("rotate_signingkey", "Can rotate and retire signing keys")]

    def __str__(self) -> str:
        return self.kid
