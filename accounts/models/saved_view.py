from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.core import clock
from accounts.models.user import User

LONGEST_NAME = 60
LONGEST_QUERY = 500


class SavedView(models.Model):
    """A search and filters of an admin's list, saved under a name by an administrator. It is deleted with them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    # The list, as "accounts.session".
    page = models.CharField(max_length=100)
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    # The part of the list's URL after the question mark.
    query = models.CharField(max_length=LONGEST_QUERY)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        # Everybody who may see a list may save views of it, so there are no permissions.
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_name")]

    def __str__(self) -> str:
        return self.name
