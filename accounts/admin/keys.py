from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.base import ReadOnlyAdmin, administrator_context
from accounts.admin.proof import ask_first
from accounts.core import clock
from accounts.flows.rotate_signing_keys import retire_signing_key, rotate_signing_keys
from accounts.models import SigningKey
from accounts.services.keys import WORKER_CACHE


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("kid", "signs_from", "verifies_until", "retired_at")
    exclude = ("private_key",)
    change_list_template = "admin/signing_keys.html"
    change_form_template = "admin/signing_key.html"

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.rotate_signingkey"))

    def get_urls(self) -> list[Any]:
        guarded = self.admin_site.admin_view
        return [
            path("rotate/", guarded(require_POST(self.rotate_view)), name="accounts_signingkey_rotate"),
            path("<str:kid>/retire/", guarded(require_POST(self.retire_view)), name="accounts_signingkey_retire"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        page = {**(extra_context or {}), "may_rotate": self.has_rotate_permission(request)}
        return super().changelist_view(request, page)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        page = {**(extra_context or {}), "may_rotate": self.has_rotate_permission(request)}
        return super().change_view(request, object_id, form_url, page)

    def rotate_view(self, request: HttpRequest) -> HttpResponse:
        keys = reverse("admin:accounts_signingkey_changelist")
        if asks := self._guard(request, keys):
            return asks
        if SigningKey.objects.filter(signs_from__gt=clock.now(), retired_at=None).exists():
            self.message_user(request, _("The next key is published already."), messages.WARNING)
        elif key := rotate_signing_keys(context=administrator_context(request)):
            self.log_addition(request, key, "rotated")
            text = _("Published the key %(kid)s. It signs from %(time)s UTC.")
            told = text % {"kid": key.kid, "time": f"{key.signs_from:%Y-%m-%d %H:%M:%S}"}
            self.message_user(request, told, messages.SUCCESS)
        else:
            text = _("Another rotation ran at the same moment; nothing was done.")
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(keys)

    def retire_view(self, request: HttpRequest, kid: str) -> HttpResponse:
        if asks := self._guard(request, reverse("admin:accounts_signingkey_change", args=(kid,))):
            return asks
        if retire_signing_key(kid=kid, context=administrator_context(request)):
            self.log_change(request, SigningKey.objects.get(pk=kid), "retired")
            text = _("Retired %(kid)s. Every worker refuses its tokens within %(seconds)d seconds.")
            told = text % {"kid": kid, "seconds": int(WORKER_CACHE.total_seconds())}
            self.message_user(request, told, messages.SUCCESS)
        else:
            self.message_user(request, _("There is no such key that could be retired."), messages.WARNING)
        return HttpResponseRedirect(reverse("admin:accounts_signingkey_changelist"))

    def _guard(self, request: HttpRequest, back_to: str) -> HttpResponse | None:
        """Raises PermissionDenied, or returns a redirect to a proof, before any act on keys."""
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        return ask_first(request, back_to=back_to)
