from django.contrib import admin

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import SigningKey


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("kid", "signs_from", "verifies_until", "retired_at")
    exclude = ("private_key",)
