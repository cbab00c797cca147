from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.base import ReadOnlyAdmin, administrator_context
from accounts.core.errors import AccountError
from accounts.flows.end_sessions import end_sessions
from accounts.models import SecurityEvent, Session
from accounts.models.session import SessionQuerySet


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "user",
        "kind",
        "dialect",
        "ip",
        "user_agent",
        "started_at",
        "last_used_at",
        "ended_at",
        "end_reason",
    )
    list_filter = ("kind", "dialect", "end_reason")
    list_select_related = ("user",)
    search_fields = ("=user__username_key", "=user__email_key", "ip")
    exclude = ("refresh_hash",)
    actions = ("end_these",)
    linked_by = ("user__id__exact",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.end_session"))

    @admin.action(description=_("End the selected sessions"), permissions=["end"])
    def end_these(self, request: HttpRequest, queryset: SessionQuerySet) -> None:
        session_ids = list(queryset.values_list("pk", flat=True))
        try:
            ended = end_sessions(session_ids=session_ids, context=administrator_context(request))
        except AccountError as error:
            self.message_user(request, " ".join(error.sentences), messages.ERROR)
            return
        text = ngettext("Ended %(count)d session.", "Ended %(count)d sessions.", ended) % {"count": ended}
        if ended:
            self.message_user(request, text, messages.SUCCESS)
        if others := len(session_ids) - ended:
            text = ngettext("%(count)d session had ended before.", "%(count)d sessions had ended before.", others)
            self.message_user(request, text % {"count": others}, messages.WARNING)


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "user", "actor_kind", "actor", "dialect", "ip", "detail")
    list_filter = ("kind", "actor_kind", "dialect", "at")
    list_select_related = ("user", "actor")
    search_fields = ("=user__username_key", "=user__email_key", "ip", "request_id")
    linked_by = ("user__id__exact",)
