import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class Passkey(models.Model):
    """A WebAuthn credential: a public key. Its private key never leaves the user's device."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100)
    # The hash of the credential's id, which may have a thousand bytes.
    credential_hash = models.CharField(max_length=64, unique=True, editable=False)
    # Id, AAGUID and public key, as the authenticator gave them.
    credential = models.BinaryField(editable=False)
    # How often the device says it has signed; always 0 for devices that do not count.
    sign_count = models.BigIntegerField(_("uses counted by the device"), editable=False)
    # Whether the passkey is kept on several devices.
    is_backed_up = models.BooleanField(_("backed up"), editable=False)
    created_at = models.DateTimeField(_("added"))
    last_used_at = models.DateTimeField(_("last used"))

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return self.name
