from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.core import clock
from accounts.models.user import User


class Note(models.Model):
    """A note about a user, written by one administrator for the others. It is deleted with the user."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notes", verbose_name=_("user"))
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("administrator")
    )
    at = models.DateTimeField(_("time"), default=clock.now)
    text = models.CharField(_("text"), max_length=2000)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-at", "-id"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return str(self.user_id)
