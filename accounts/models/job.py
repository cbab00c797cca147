from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class JobKind(models.TextChoices):
    """What is done to each user of a job."""

    END_SESSIONS = "end_sessions", _("end all sessions")
    SEND_RESET_MAIL = "send_reset_mail", _("send a password reset mail")
    VERIFY = "verify", _("mark the e-mail as verified")
    ACTIVATE = "activate", _("activate")
    DEACTIVATE = "deactivate", _("deactivate, and end all sessions")
    REMOVE_FACTORS = "remove_factors", _("remove the second factors, and end all sessions")
    DELETE = "delete", _("delete")


class JobState(models.TextChoices):
    WAITING = "waiting", _("waiting for a worker")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    STOPPED = "stopped", _("stopped")
    # The administrator who asked for the job has lost the permission.
    REFUSED = "refused", _("stopped: who asked for it may no longer do that")


class ItemState(models.TextChoices):
    PENDING = "pending", _("pending")
    DONE = "done", _("done")
    UNCHANGED = "unchanged", _("nothing to do")
    FAILED = "failed", _("failed")


class JobQuerySet(models.QuerySet["Job"]):
    def claimable(self, now: datetime) -> Self:
        """Unfinished jobs that no worker holds, the oldest first."""
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        return self.filter(free, state__in=(JobState.WAITING, JobState.RUNNING)).order_by("id")


class Job(models.Model):
    """One act on many users. One request asks for it; a worker carries it out, one user after the other.

    Jobs and their items have no constraint on users in the database. The previous release knows no jobs, and a
    constraint would keep it from deleting a user who is in one.
    """

    kind = models.CharField(_("what"), max_length=32, choices=JobKind)
    asked_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        verbose_name=_("asked by"),
    )
    # Of the request that asked for the job.
    language = models.CharField(max_length=8, editable=False)
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=JobState, default=JobState.WAITING)
    total = models.PositiveIntegerField(_("users"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    unchanged = models.PositiveIntegerField(_("nothing to do"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    asked_at = models.DateTimeField(_("asked"), db_index=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    stop_asked_at = models.DateTimeField(_("stop asked"), null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        permissions = [("stop_job", "Can stop jobs")]
        indexes = [
            models.Index(fields=["id"], name="job_open", condition=Q(state__in=("waiting", "running"))),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state not in (JobState.WAITING, JobState.RUNNING)


class JobItem(models.Model):
    """One user of a job, and the result for them."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items", db_index=False, verbose_name=_("job"))
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_constraint=False, verbose_name=_("user")
    )
    state = models.CharField(_("state"), max_length=16, choices=ItemState, default=ItemState.PENDING)
    # The code of the refusal; empty without one.
    reason = models.CharField(_("reason"), max_length=64, blank=True, default="")
    # When the job was asked for.
    asked_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        verbose_name = _("user of a job")
        verbose_name_plural = _("users of jobs")
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "state", "id"], name="job_item_next")]

    def __str__(self) -> str:
        return str(self.pk)
