"""Sessions and security events for administrators, each with a link to its user."""

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.base import ReadOnlyAdmin, administrator_context, link, shortened
from accounts.admin.lists import DialectFilter, SessionStateFilter
from accounts.core.errors import AccountError
from accounts.flows.end_sessions import end_sessions
from accounts.models import SecurityEvent, Session
from accounts.models.session import SessionQuerySet
from accounts.services import directory


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "of_user",
        "kind",
        "dialect",
        "ip",
        "device",
        "last_used_at",
        "ended_at",
        "end_reason",
    )
    list_display_links = ("started_at",)
    list_filter = (SessionStateFilter, "end_reason", "kind", DialectFilter, "started_at")
    list_select_related = ("user",)
    newest_by = "started_at"
    search_fields = ("user",)
    search_help_text = _("Id of a session, a user or a request; username; e-mail or former address; IP address.")
    find = staticmethod(directory.sessions)
    exclude = ("refresh_hash",)
    readonly_fields = ("events",)
    actions = ("end_these",)
    linked_by = ("user__id__exact",)
    ready_views = (
        (_("Live"), "state=live"),
        (_("In the admin"), "kind__exact=admin&state=live"),
        (_("A refresh token was used again"), "end_reason__exact=refresh_token_reused"),
        (_("Its user said: it was not me"), "end_reason__exact=disowned"),
    )

    @admin.display(description=_("device"))
    def device(self, session: Session) -> str:
        return shortened(session.user_agent)

    @admin.display(description=_("security events"))
    def events(self, session: Session) -> str:
        url = reverse("admin:accounts_securityevent_changelist")
        return format_html('<a href="{}?session_id__exact={}">{}</a>', url, session.pk, _("security events"))

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
    list_display = ("at", "kind", "of_user", "actor_kind", "of_actor", "dialect", "ip", "of_session", "detail")
    list_display_links = ("at",)
    list_filter = ("actor_kind", DialectFilter, "at", "kind")
    list_select_related = ("user", "actor")
    newest_by = "at"
    search_fields = ("user",)
    search_help_text = _("Id of a request, a session or a user; username; e-mail or former address; IP address.")
    find = staticmethod(directory.events)
    linked_by = ("user__id__exact", "actor__id__exact", "session_id__exact")
    ready_views = (
        (_("Too many wrong passwords"), "kind__exact=password_guessed"),
        (_("By administrators"), "actor_kind__exact=administrator"),
        (_("A refresh token was used again"), "kind__exact=refresh_token_reused"),
        (_("Its user said: it was not me"), "kind__exact=disowned"),
    )

    @admin.display(description=_("actor"))
    def of_actor(self, event: SecurityEvent) -> str:
        # The user's own acts are left out: the column beside it already names the user.
        return link(event.actor) if event.actor_id != event.user_id else "-"

    @admin.display(description=_("session"))
    def of_session(self, event: SecurityEvent) -> str:
        if event.session_id is None:
            return "-"
        return link(Session(pk=event.session_id), str(event.session_id)[:8])
