"""Jobs on many users: their list, progress and failures, and a button that stops one."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.base import ReadOnlyAdmin, administrator_context
from accounts.admin.charts import grouped
from accounts.core.errors import SENTENCES
from accounts.flows.start_job import start_job, stop_job
from accounts.models import Job, JobItem, User
from accounts.models.job import ItemState, JobKind
from accounts.services.jobs import MOST, TooManyUsersError

# How many ids of users are read at a time.
CHUNK = 5000


def start_job_for(request: HttpRequest, kind: JobKind, queryset: QuerySet[User]) -> HttpResponse | None:
    """Starts a job on these users, and redirects the administrator to its page.

    For the actions of a list. Returns None, after a message, if there are more users than a job may have.
    """
    ids: Iterable[Any] = queryset.order_by().values_list("pk", flat=True).iterator(chunk_size=CHUNK)
    try:
        job_id = start_job(kind=kind, user_ids=ids, context=administrator_context(request))
    except TooManyUsersError:
        reason = _("A job has %(most)s users at most. Select fewer.") % {"most": grouped(MOST)}
        messages.error(request, reason)
        return None
    # An administrator who may not see jobs gets a message at least.
    messages.success(request, _("The worker has been asked to do that: job %(id)d.") % {"id": job_id})
    if not request.user.has_perm("accounts.view_job"):
        return None
    return HttpResponseRedirect(reverse("admin:accounts_job_change", args=(job_id,)))


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "asked_by", "state", "total", "done", "unchanged", "failed", "asked_at", "ended_at")
    list_filter = ("state", "kind")
    list_select_related = ("asked_by",)
    change_form_template = "admin/job.html"
    fields = ("kind", "asked_by", "state", "request_id", "asked_at", "started_at", "ended_at", "stop_asked_at")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.stop_job"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).select_related("asked_by")

    def get_urls(self) -> list[Any]:
        stop = self.admin_site.admin_view(require_POST(self.stop_view))
        return [path("<int:job_id>/stop/", stop, name="accounts_job_stop"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        page = _progress(job) if job else {}
        page["may_stop"] = bool(job and not job.is_over and self.has_stop_permission(request))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **page})

    def stop_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        if not self.has_stop_permission(request):
            raise PermissionDenied
        if stop_job(job_id=job_id):
            self.message_user(request, _("The worker stops after the user it is at."), messages.SUCCESS)
        else:
            self.message_user(request, _("There is nothing to stop."), messages.WARNING)
        return HttpResponseRedirect(reverse("admin:accounts_job_change", args=(job_id,)))


@admin.register(JobItem)
class JobItemAdmin(ReadOnlyAdmin):
    list_display = ("user", "state", "why", "job")
    list_filter = ("state",)
    list_select_related = ("user", "job")
    linked_by = ("job__id__exact",)
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """It is not in the menu, because the page of a job leads here."""
        return False

    @admin.display(description=_("reason"))
    def why(self, item: JobItem) -> str:
        return _sentence(item.reason)


def _progress(job: Job) -> dict[str, Any]:
    settled = job.done + job.unchanged + job.failed
    reasons = JobItem.objects.filter(job=job, state=ItemState.FAILED).order_by().values_list("reason")
    return {
        "settled": settled,
        "numbers": [
            (_("users"), grouped(job.total)),
            (_("done"), grouped(job.done)),
            (_("nothing to do"), grouped(job.unchanged)),
            (_("failed"), grouped(job.failed)),
            (_("pending"), grouped(max(job.total - settled, 0))),
        ],
        "reasons": [(_sentence(reason), grouped(number)) for reason, number in reasons.annotate(Count("pk"))],
        # A text, because a template would format numbers in the reader's language.
        "total_text": str(job.total),
        "settled_text": str(settled),
        "percent": f"{100 * settled // job.total if job.total else 100} %",
        "failures": f"{reverse('admin:accounts_jobitem_changelist')}?job__id__exact={job.pk}&state__exact=failed",
    }


def _sentence(reason: str) -> str:
    """The sentence for the code of a refusal."""
    if not reason:
        return ""
    known = {code.value: sentence for code, sentence in SENTENCES.items()}
    return str(known.get(reason, _("The server failed at this user; its log says why.")))
