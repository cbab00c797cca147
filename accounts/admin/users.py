"""A user's page and the list of users, with the flow of each action."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import FlowAdmin, administrator_context, is_out_of_reach
from accounts.admin.lists import LastVisitFilter, LockedFilter, VerifiedFilter
from accounts.admin.proof import ask_first
from accounts.admin.user_acts import act_page
from accounts.admin.user_forms import AddUserForm, ChangeUserForm
from accounts.admin.user_jobs import all_page, may_ask
from accounts.admin.user_page import user_page
from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.errors import AccountError
from accounts.flows.administer import add_user, change_user, delete_user, reset_factors
from accounts.flows.administer_groups import delete_group, put_group
from accounts.flows.end_sessions import end_sessions
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.visit_admin import look_at_user
from accounts.models import User
from accounts.services import directory, users

# Addresses are edited on the user's page. allauth's own list would edit them in place.
admin.site.unregister(EmailAddress)
for model in (SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)
admin.site.unregister(Group)


# What cannot be undone.
GRAVE_ACTIONS = ("delete_selected", "remove_factors")


@admin.register(User)
class UserAdmin(FlowAdmin):
    list_display = ("username", "email", "verified", "factor", "active", "staff", "created_at", "last_visit")
    list_filter = (
        VerifiedFilter,
        "is_active",
        LockedFilter,
        "has_second_factor",
        "is_staff",
        "is_superuser",
        "created_at",
        LastVisitFilter,
    )
    newest_by = "created_at"
    search_fields = ("username",)
    search_help_text = _(
        "Username or e-mail address, also a former one, with * for those that begin so; id of a user, a session or a "
        "request; IP address."
    )
    find = staticmethod(directory.users)
    ready_views = (
        (_("Not verified"), "verified=0"),
        (_("Not active"), "is_active__exact=0"),
        (_("Locked"), "locked=1"),
        (_("May use the admin"), "is_staff__exact=1"),
        (_("May use the admin without a second factor"), "has_second_factor__exact=0&is_staff__exact=1"),
    )
    readonly_fields = ("id", "external_id", "created_at", "last_visit")
    filter_horizontal = ("groups",)
    actions = ("send_reset_mail", "mark_verified", "activate", "deactivate", "end_all_sessions", "remove_factors")

    def get_ready_views(self) -> tuple[tuple[Any, str], ...]:
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        query = urlencode({"created_at__gte": today, "created_at__lt": today + timedelta(days=1)})
        return ((_("New today"), query), *super().get_ready_views())

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.with_address()

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.act_view)
        every = self.admin_site.admin_view(self.all_view)
        return [
            path("<uuid:user_id>/act/<slug:name>/", page, name="accounts_user_act"),
            path("all/", every, name="accounts_user_all"),
            *super().get_urls(),
        ]

    def all_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:accounts_user_changelist"))
        return all_page(request, found)

    def act_view(self, request: HttpRequest, user_id: uuid.UUID, name: str) -> HttpResponse:
        return act_page(request, self.get_queryset(request).filter(pk=user_id).first(), name)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        user = self.get_object(request, unquote(object_id))
        beside: dict[str, Any] = {}
        if user and self.has_view_permission(request, user):
            if conf.looks_are_recorded and request.method == "GET":
                look_at_user(user=user, context=administrator_context(request))
            beside = user_page(request, user)
        return super().change_view(request, object_id, form_url, {**beside, **(extra_context or {})})

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        asked = ask_first(request) if self.has_delete_permission(request) else None
        return asked or super().delete_view(request, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        is_grave = request.method == "POST" and request.POST.get("action") in GRAVE_ACTIONS
        beside = {"act_on_all": f"all/?{request.GET.urlencode()}" if may_ask(request) else "", **(extra_context or {})}
        return (ask_first(request) if is_grave else None) or super().changelist_view(request, beside)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.reset_user"))

    def has_verify_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.verify_user"))

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.activate_user"))

    def has_reset_factors_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.reset_factors_user"))

    def has_end_session_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.end_session"))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and is_out_of_reach(obj, request))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and is_out_of_reach(obj, request))

    # Short headings, so that all columns are visible at once.
    @admin.display(boolean=True, description=_("verified"))
    def verified(self, user: User) -> bool:
        return user.email_verified

    @admin.display(boolean=True, description=_("factor"))
    def factor(self, user: User) -> bool:
        return user.has_second_factor

    @admin.display(boolean=True, description=_("active"))
    def active(self, user: User) -> bool:
        return user.is_active

    @admin.display(boolean=True, description=_("admin"))
    def staff(self, user: User) -> bool:
        return user.is_staff

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, form=ChangeUserForm if obj else AddUserForm, **kwargs)
        form.may_verify = self.has_verify_permission(request)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("username", "email", "email_verified", "password1", "password2")}),)
        return (
            (None, {"fields": ("id", "external_id", "username", "email", "email_verified", "avatar_url")}),
            (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
            (_("Dates"), {"fields": ("created_at", "last_visit")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = self.readonly_fields + (("email",) if obj else ())
        if not self.has_activate_permission(request):
            fields = (*fields, "is_active")
        # Only a superuser can make a superuser.
        return fields if request.user.is_superuser else (*fields, "is_staff", "is_superuser", "groups")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        values = form.cleaned_data
        if not change:
            added = add_user(
                username=values["username"],
                email=values["email"],
                password=values["password1"],
                verified=values["email_verified"],
                context=administrator_context(request),
            )
            obj.pk = added.pk
            obj.refresh_from_db()
            return
        changes = {name: values[name] for name in form.changed_data}
        if "email_verified" in changes:
            changes["verified"] = changes.pop("email_verified")
        user = User.objects.with_address().get(pk=obj.pk)
        change_user(user=user, **changes, context=administrator_context(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Does nothing: the flow changes groups, like everything else."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A permission to delete users is enough for their rows too, such as sessions, which nobody deletes by hand."""
        to_delete, counts, _perms_needed, protected = super().get_deleted_objects(objs, request)
        superusers = {str(user) for user in objs if is_out_of_reach(user, request)}
        return to_delete, counts, superusers, protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        delete_user(user=obj, context=administrator_context(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        refusals: list[AccountError] = []
        users_to_delete = list(queryset)
        for user in users_to_delete:
            try:
                delete_user(user=user, context=administrator_context(request))
            except AccountError as refusal:
                refusals.append(refusal)
        if refusals:
            # Django would say that all selected users are deleted.
            self._say_done(request, len(users_to_delete) - len(refusals))
            raise refusals[0]

    @admin.action(description=_("Send a password reset mail"), permissions=["reset"])
    def send_reset_mail(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        context = administrator_context(request)
        self._act(
            request,
            queryset,
            # Mails are in the language of the user, not of the administrator.
            lambda user: request_password_reset(email=user.email, context=replace(context, language=user.language)),
            otherwise=gettext("The account is not active."),
        )

    @admin.action(description=_("Mark the e-mail as verified"), permissions=["verify"])
    def mark_verified(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._change_each(request, queryset, verified=True, otherwise=gettext("The e-mail was verified before."))

    @admin.action(description=_("Activate"), permissions=["activate"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._change_each(request, queryset, is_active=True, otherwise=gettext("The account was active before."))

    @admin.action(description=_("Deactivate, and end all sessions"), permissions=["activate"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._change_each(request, queryset, is_active=False, otherwise=gettext("The account is not active."))

    @admin.action(description=_("End all sessions"), permissions=["end_session"])
    def end_all_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        context = administrator_context(request)
        self._act(
            request,
            queryset,
            lambda user: end_sessions(user_ids=[user.pk], context=context) > 0,
            otherwise=gettext("There was no session to end."),
        )

    @admin.action(description=_("Remove the second factors, and end all sessions"), permissions=["reset_factors"])
    def remove_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        context = administrator_context(request)
        self._act(
            request,
            queryset,
            lambda user: reset_factors(user=user, context=context),
            otherwise=gettext("There was no second factor to remove."),
        )

    def _change_each(self, request: HttpRequest, queryset: QuerySet[User], *, otherwise: str, **changes: Any) -> None:
        context = administrator_context(request)
        self._act(
            request, queryset, lambda user: change_user(user=user, context=context, **changes), otherwise=otherwise
        )

    def _act(
        self,
        request: HttpRequest,
        queryset: QuerySet[User],
        act: Callable[[User], bool],
        *,
        otherwise: str,
    ) -> None:
        """Acts on each of these users. A message says for how many it did something, and why not for the others.

        otherwise: why `act` returns False. Raises AccountError(SUPERUSER_PROTECTED) before it acts on any of them.
        """
        selected = list(queryset)
        users.protect_superusers([user.pk for user in selected], administrator_context(request))
        not_done: Counter[str] = Counter()
        for user in selected:
            try:
                if not act(user):
                    not_done[otherwise] += 1
            except AccountError as refusal:
                not_done[" ".join(refusal.sentences)] += 1
        self._say_done(request, len(selected) - not_done.total())
        for reason, count in not_done.items():
            text = ngettext(
                "Not done for %(count)d user: %(reason)s", "Not done for %(count)d users: %(reason)s", count
            )
            self.message_user(request, text % {"count": count, "reason": reason}, messages.WARNING)

    def _say_done(self, request: HttpRequest, count: int) -> None:
        if count:
            text = ngettext("Done for %(count)d user.", "Done for %(count)d users.", count) % {"count": count}
            self.message_user(request, text, messages.SUCCESS)


@admin.register(Group)
class GroupAdmin(FlowAdmin, DjangoGroupAdmin):
    """Django's own page for groups, with strict lookups and an event for each change."""

    change_list_template = "admin/accounts/change_list.html"

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        permissions = form.cleaned_data["permissions"]
        put_group(group=obj, permissions=permissions, context=administrator_context(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Does nothing: the flow has set the permissions."""

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        delete_group(group=obj, context=administrator_context(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        for group in queryset:
            delete_group(group=group, context=administrator_context(request))
