from django.db import models

from accounts.core import clock
from accounts.models.user import User


class FormerAddress(models.Model):
    """An earlier address of a user, by which administrators still find them. It is deleted with the user."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_addresses")
    email_key = models.CharField(max_length=600)
    left_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["email_key"], name="former_address_key"),
            models.Index(fields=["left_at"], name="former_address_left"),
        ]

    def __str__(self) -> str:
        return str(self.user_id)
