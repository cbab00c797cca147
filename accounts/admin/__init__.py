"""Django admin for accounts: a page for each subject."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin import jobs, keys, mail, sessions, users

__all__ = ["jobs", "keys", "mail", "sessions", "users"]

admin.site.site_header = _("Accounts")
admin.site.site_title = _("Accounts")
# The front page and the path above each page lead to all pages, so the sidebar is off: lists need the room.
admin.site.enable_nav_sidebar = False
admin.site.index_title = _("Administration")
