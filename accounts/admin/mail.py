from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.base import ReadOnlyAdmin
from accounts.core import clock
from accounts.flows.retry_mail import retry_mail
from accounts.models import Message
from accounts.models.message import MessageQuerySet


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "waiting", "kind", "to", "state", "attempts", "due_at", "last_error", "settled_at")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("to", "message_id")
    exclude = ("subject", "text", "html")
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.retry_message"))

    @admin.display(description=_("waiting for"), ordering="created_at")
    def waiting(self, message: Message) -> str:
        """How old a message is that is not settled yet."""
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
