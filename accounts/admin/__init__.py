"""Django admin for accounts: a page for each subject."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin import keys, mail, sessions, users

__all__ = ["keys", "mail", "sessions", "users"]

admin.site.site_header = _("Accounts")
admin.site.site_title = _("Accounts")
admin.site.index_title = _("Administration")
