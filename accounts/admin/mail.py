from django.contrib import admin, messages
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.base import ReadOnlyAdmin, shortened
from accounts.core import clock
from accounts.flows.retry_mail import retry_mail
from accounts.models import Message
from accounts.models.message import MessageQuerySet
from accounts.services import directory


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "to", "of_user", "state", "waiting", "attempts", "short_error", "settled_at")
    list_display_links = ("created_at",)
    list_filter = ("state", "kind", "created_at")
    list_select_related = ("user",)
    newest_by = "created_at"
    search_fields = ("to",)
    search_help_text = _("The address a mail went to; Message-ID; id, username, address or former address of a user.")
    find = staticmethod(directory.messages)
    linked_by = ("user__id__exact",)
    ready_views = (
        (_("Dead letters"), "state__exact=dead"),
        (_("Waiting"), "state__exact=queued"),
    )
    exclude = ("subject", "text", "html")
    actions = ("retry",)

    def get_queryset(self, request: HttpRequest) -> MessageQuerySet:
        # Has an index, and finds addresses without regard to case.
        return Message.objects.alias(lower_to=Lower("to"))

    @admin.display(description=_("last error"))
    def short_error(self, message: Message) -> str:
        return shortened(message.last_error)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.retry_message"))

    @admin.display(description=_("waiting for"), ordering="created_at")
    def waiting(self, message: Message) -> str:
        """The age of a message that is not settled yet."""
        return timesince(message.created_at, clock.now()) if message.settled_at is None else ""

    @admin.action(description=_("Try dead letters again"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: MessageQuerySet) -> None:
        selected = list(queryset.values_list("pk", flat=True))
        queued = retry_mail(message_ids=selected)
        text = ngettext("Queued %(count)d message.", "Queued %(count)d messages.", queued) % {"count": queued}
        if queued:
            self.message_user(request, text, messages.SUCCESS)
        if others := len(selected) - queued:
            text = ngettext("%(count)d message is no dead letter.", "%(count)d messages are no dead letters.", others)
            self.message_user(request, text % {"count": others}, messages.WARNING)
