from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class TotpFactor(models.Model):
    """The authenticator app of a user (RFC 6238)."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="totp", verbose_name=_("user")
    )
    # Encrypted.
    secret = models.TextField(editable=False)
    created_at = models.DateTimeField(_("added"))
    # The latest time step whose code was spent. Codes of this step and of earlier ones are refused.
    last_step = models.BigIntegerField(editable=False)
    last_used_at = models.DateTimeField(_("last used"))

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """One of ten codes that a user keeps in case no other factor is at hand. Spending a code deletes its row."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return str(self.user_id)
