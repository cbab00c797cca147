"""Django admin for accounts: what administrators see, and which flow each of their actions calls."""

from typing import Any, cast

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.html import format_html_join
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import FormView

from accounts.api.common.context import client_context
from accounts.core import clock
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.administer import add_user, change_user, delete_user
from accounts.flows.change_password import change_password
from accounts.flows.end_sessions import end_sessions
from accounts.flows.request_password_reset import request_password_reset
from accounts.models import Message, SecurityEvent, Session, SigningKey, User
from accounts.models.message import MessageQuerySet
from accounts.models.session import SessionQuerySet
from accounts.models.user import canonical
from accounts.services import names, outbox, passwords

admin.site.site_header = _("Accounts")
admin.site.site_title = _("Accounts")
admin.site.index_title = _("Administration")
# An address belongs to its user's page: allauth's own list would edit it in place.
admin.site.unregister(EmailAddress)


# What Django's filters for booleans, choices and dates add to the name of their field.
FILTER_SUFFIXES = ("__exact", "__isnull", "__gte", "__lt")


def _context(request: HttpRequest) -> ClientContext:
    return client_context(request, Dialect.ADMIN)


class StrictAdmin(admin.ModelAdmin):
    """A list that can be asked for by its declared filters and links alone."""

    # Parameters by which other pages of the admin link to this list.
    linked_by: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django allows every lookup on a model's own fields: `?password__regex=` reads a hash letter by letter."""
        declared = [str(name) for name in self.get_list_filter(request)]
        parameters = {f"{name}{suffix}" for name in declared for suffix in ("", *FILTER_SUFFIXES)}
        return lookup in parameters or lookup in self.linked_by


class ReadOnlyAdmin(StrictAdmin):
    """For rows that are looked at and never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _checked(check: Any, value: str, *args: Any) -> Any:
    """What the core's `check` makes of a form's value; its refusal as the form's."""
    try:
        return check(value, *args)
    except AccountError as error:
        raise ValidationError([str(reason) for reason in error.reasons]) from None


class UserForm(forms.ModelForm):
    def clean_username(self) -> str:
        username: str = _checked(names.clean_username, self.cleaned_data["username"])
        self._check_free(_("A user with that username already exists."), username_key=canonical(username))
        return username

    def _check_free(self, message: Any, **taken_by: str) -> None:
        if User.objects.filter(**taken_by).exclude(pk=self.instance.pk).exists():
            raise ValidationError(message)


class AddUserForm(UserForm):
    password1 = forms.CharField(label=_("Password"), strip=False, widget=forms.PasswordInput)
    password2 = forms.CharField(label=_("Password again"), strip=False, widget=forms.PasswordInput)
    email_verified = forms.BooleanField(label=_("E-mail is verified"), required=False)

    class Meta:
        model = User
        fields = ("username", "email")

    def clean_email(self) -> str:
        email: str = _checked(names.clean_email, self.cleaned_data["email"])
        self._check_free(_("A user is already registered with this e-mail address."), email_key=canonical(email))
        return email

    def clean_password2(self) -> str:
        first, second = self.cleaned_data.get("password1", ""), self.cleaned_data["password2"]
        if first != second:
            raise ValidationError(_("The two password fields didn't match."))
        user = User(username=self.cleaned_data.get("username", ""), email=self.cleaned_data.get("email", ""))
        _checked(passwords.validate, second, user)
        return str(second)


class ChangeUserForm(UserForm):
    # Set by UserAdmin.get_form(): whether the administrator may mark the address.
    may_verify = False
    email_verified = forms.BooleanField(
        label=_("E-mail is verified"),
        required=False,
        help_text=_("Unmarking it makes every verification mail that was sent before worthless."),
    )

    class Meta:
        model = User
        fields = ("username", "avatar_url", "is_active", "is_staff", "is_superuser", "groups")
        field_classes = {"avatar_url": forms.CharField}

    def clean_avatar_url(self) -> str:
        return str(_checked(names.clean_avatar_url, self.cleaned_data["avatar_url"]))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email_verified"].initial = self.instance.email_verified
        self.fields["email_verified"].disabled = not self.may_verify


@admin.register(User)
class UserAdmin(StrictAdmin):
    list_display = ("username", "email", "verified", "is_active", "is_staff", "created_at", "last_visit")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username", "email", "username_key", "email_key")
    readonly_fields = ("id", "created_at", "last_visit", "more")
    filter_horizontal = ("groups",)
    actions = ("send_reset_mail", "mark_verified", "activate", "deactivate", "end_all_sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.with_email_verified()

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.reset_user"))

    def has_verify_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.verify_user"))

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.activate_user"))

    def has_end_session_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.end_session"))

    @admin.display(boolean=True, description=_("e-mail verified"))
    def verified(self, user: User) -> bool:
        return user.email_verified

    @admin.display(description=_("more"))
    def more(self, user: User) -> str:
        """Links to the sessions and the security events of a user."""
        pages = ((_("sessions"), "session"), (_("security events"), "securityevent"))
        return format_html_join(
            " · ",
            '<a href="{}?user__id__exact={}">{}</a>',
            ((reverse(f"admin:accounts_{page}_changelist"), user.pk, name) for name, page in pages),
        )

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, form=ChangeUserForm if obj else AddUserForm, **kwargs)
        form.may_verify = self.has_verify_permission(request)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("username", "email", "email_verified", "password1", "password2")}),)
        return (
            (None, {"fields": ("id", "username", "email", "email_verified", "avatar_url")}),
            (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
            (_("Dates"), {"fields": ("created_at", "last_visit", "more")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = self.readonly_fields + (("email",) if obj else ())
        if not self.has_activate_permission(request):
            fields = (*fields, "is_active")
        # Who is not a superuser cannot make one.
        return fields if request.user.is_superuser else (*fields, "is_staff", "is_superuser", "groups")

    # Django wraps these views in a transaction of its own; here transactions belong to the flows.
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        except AccountError as error:
            return self._refused(request, error)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]
        except AccountError as error:
            return self._refused(request, error)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except AccountError as error:
            return self._refused(request, error)

    def _refused(self, request: HttpRequest, error: AccountError) -> HttpResponse:
        # What the form has checked was true until somebody took the name before the flow did.
        reason = " ".join(error.reasons) or _("Somebody has just taken this name or address.")
        self.message_user(request, reason, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        values = form.cleaned_data
        if not change:
            added = add_user(
                username=values["username"],
                email=values["email"],
                password=values["password1"],
                verified=values["email_verified"],
                context=_context(request),
            )
            obj.pk = added.pk
            obj.refresh_from_db()
            return
        change_user(
            user=User.objects.with_email_verified().get(pk=obj.pk),
            username=values["username"],
            avatar_url=values["avatar_url"],
            is_active=values.get("is_active"),
            is_staff=values.get("is_staff"),
            is_superuser=values.get("is_superuser"),
            verified=values["email_verified"],
            context=_context(request),
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Who may delete a user may delete what is the user's: sessions go along, which nobody deletes by hand."""
        to_delete, counts, _perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        delete_user(user=obj, actor=cast(User, request.user), context=_context(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            delete_user(user=user, actor=cast(User, request.user), context=_context(request))

    @admin.action(description=_("Send a password reset mail"), permissions=["reset"])
    def send_reset_mail(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            request_password_reset(email=user.email, context=_context(request))
        self._say(request, queryset.count())

    @admin.action(description=_("Mark the e-mail as verified"), permissions=["verify"])
    def mark_verified(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._change_each(request, queryset, verified=True)

    @admin.action(description=_("Activate"), permissions=["activate"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._change_each(request, queryset, is_active=True)

    @admin.action(description=_("Deactivate, and end all sessions"), permissions=["activate"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._change_each(request, queryset, is_active=False)

    @admin.action(description=_("End all sessions"), permissions=["end_session"])
    def end_all_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        end_sessions(Session.objects.filter(user__in=queryset.values("pk")), context=_context(request))
        self._say(request, queryset.count())

    def _change_each(self, request: HttpRequest, queryset: QuerySet[User], **changes: Any) -> None:
        for user in queryset:
            change_user(user=user, context=_context(request), **changes)
        self._say(request, queryset.count())

    def _say(self, request: HttpRequest, count: int) -> None:
        text = ngettext("Done for %(count)d user.", "Done for %(count)d users.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "dialect", "ip", "user_agent", "started_at", "last_used_at", "ended_at", "end_reason")
    list_filter = ("dialect", "end_reason")
    list_select_related = ("user",)
    search_fields = ("=user__username_key", "=user__email_key", "ip")
    exclude = ("refresh_hash",)
    actions = ("end_these",)
    linked_by = ("user__id__exact",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.end_session"))

    @admin.action(description=_("End the selected sessions"), permissions=["end"])
    def end_these(self, request: HttpRequest, queryset: SessionQuerySet) -> None:
        ended = end_sessions(Session.objects.filter(pk__in=queryset.values("pk")), context=_context(request))
        text = ngettext("Ended %(count)d session.", "Ended %(count)d sessions.", ended) % {"count": ended}
        self.message_user(request, text, messages.SUCCESS)


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "user", "dialect", "ip", "detail")
    list_filter = ("kind", "dialect", "at")
    list_select_related = ("user",)
    search_fields = ("=user__username_key", "=user__email_key", "ip", "request_id")
    linked_by = ("user__id__exact",)


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("kid", "signs_from", "verifies_until", "retired_at")
    exclude = ("private_key",)


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
        queued = outbox.retry(Message.objects.filter(pk__in=queryset.values("pk")), now=clock.now())
        text = ngettext("Queued %(count)d message.", "Queued %(count)d messages.", queued) % {"count": queued}
        self.message_user(request, text, messages.SUCCESS)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(StrictAdmin, DjangoGroupAdmin):
    """Django's own page for groups, with lookups as strict as everywhere else."""


class OwnPasswordForm(forms.Form):
    """Django's form would look at the old password itself, as often as somebody asks."""

    old_password = forms.CharField(label=_("Old password"), strip=False, widget=forms.PasswordInput)
    new_password1 = forms.CharField(label=_("New password"), strip=False, widget=forms.PasswordInput)
    new_password2 = forms.CharField(label=_("New password again"), strip=False, widget=forms.PasswordInput)

    def clean_new_password2(self) -> str:
        if self.cleaned_data.get("new_password1") != self.cleaned_data["new_password2"]:
            raise ValidationError(_("The two password fields didn't match."))
        return str(self.cleaned_data["new_password2"])


class PasswordChangeView(FormView):
    """The admin's page for one's own password, which Django would save without ending a session or telling anybody."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")
    template_name = "registration/password_change_form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}

    def form_valid(self, form: Any) -> HttpResponse:
        user = User.objects.with_email_verified().get(pk=self.request.user.pk)
        try:
            change_password(
                user=user,
                session=None,
                old_password=form.cleaned_data["old_password"],
                new_password=form.cleaned_data["new_password1"],
                context=_context(self.request),
            )
        except AccountError as error:
            field = "new_password2" if error.code is ErrorCode.PASSWORD_INVALID else "old_password"
            form.add_error(field, " ".join(error.sentences))
            return self.form_invalid(form)
        update_session_auth_hash(self.request, user)
        return HttpResponseRedirect(self.get_success_url())
