"""Acts of an administrator for one user: a button on the user's page, and a page that asks for confirmation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import administrator_context, is_out_of_reach
from accounts.admin.proof import ask_first
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError
from accounts.flows.administer import change_user, reset_factors
from accounts.flows.end_sessions import end_sessions
from accounts.flows.help_user import add_note, close_account, correct_email, send_export, unlock_user
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.resend_verification import resend_verification
from accounts.models import User

AT_ONCE, CONFIRMED = "at-once", "confirmed"


class EmailForm(forms.Form):
    email = forms.CharField(
        label=_("New e-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    how = forms.ChoiceField(
        label=_("When it becomes the user's address"),
        choices=(
            (CONFIRMED, _("When the new mailbox has confirmed it by a link that is mailed there")),
            (AT_ONCE, _("At once; it is not verified until the user follows the link that is mailed there")),
        ),
        initial=CONFIRMED,
        widget=forms.RadioSelect,
    )


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 6}))


@dataclass(frozen=True, kw_only=True)
class Act:
    """label: of its button. says: the text of the page that asks. do: the flow; it returns False if there was nothing
    to do, and `otherwise` says why. applies: whether its button is shown. is_grave: cannot be undone.
    """

    label: Any
    says: Any
    permission: str
    do: Callable[[User, dict[str, Any], ClientContext], bool | None]
    otherwise: Any = ""
    applies: Callable[[User], bool] = lambda user: True
    form: type[forms.Form] = forms.Form
    is_grave: bool = False


ACTS = {
    "note": Act(
        label=_("Add a note"),
        says=_("Administrators see it, and the user in a copy of their data. It is deleted with the account."),
        permission="accounts.add_note",
        form=NoteForm,
        do=lambda user, values, context: add_note(user=user, text=values["text"], context=context),
    ),
    "correct-email": Act(
        label=_("Correct the address"),
        says=_("Both addresses are told. Links that were mailed to the old one stop working."),
        permission="accounts.correct_email_user",
        form=EmailForm,
        do=lambda user, values, context: correct_email(
            user=user, email=values["email"], is_confirmed=values["how"] == CONFIRMED, context=context
        ),
    ),
    "send-verification": Act(
        label=_("Send the verification mail again"),
        says=_("A link that verifies the address is mailed to it."),
        permission="accounts.send_verification_user",
        applies=lambda user: user.is_active and not user.email_verified,
        do=lambda user, values, context: resend_verification(email=user.email, context=context),
        otherwise=_("The e-mail was verified before, or the account is not active."),
    ),
    "send-reset": Act(
        label=_("Send a password reset mail"),
        says=_("A link to choose a new password is mailed to the user's address. The old password works until then."),
        permission="accounts.reset_user",
        applies=lambda user: user.is_active,
        do=lambda user, values, context: request_password_reset(email=user.email, context=context),
        otherwise=_("The account is not active."),
    ),
    "unlock": Act(
        label=_("Unlock"),
        says=_("Wrong passwords and codes are counted anew, so that the user may try again at once."),
        permission="accounts.unlock_user",
        do=lambda user, values, context: unlock_user(user=user, context=context),
        otherwise=_("Nothing locked the user out; the counts begin anew all the same."),
    ),
    "end-sessions": Act(
        label=_("End all sessions"),
        says=_("The user is logged out everywhere."),
        permission="accounts.end_session",
        do=lambda user, values, context: end_sessions(user_ids=[user.pk], context=context) > 0,
        otherwise=_("There was no session to end."),
    ),
    "reset-factors": Act(
        label=_("Remove the second factors"),
        says=_(
            "The app, the passkeys and the recovery codes are removed, all sessions end, and the user is told by mail."
        ),
        permission="accounts.reset_factors_user",
        applies=lambda user: user.has_second_factor,
        do=lambda user, values, context: reset_factors(user=user, context=context),
        otherwise=_("There was no second factor to remove."),
        is_grave=True,
    ),
    "send-export": Act(
        label=_("Send a copy of the data"),
        says=_(
            "A link to a copy of all that is kept of the user is mailed to their address. It works once, for a day."
        ),
        permission="accounts.export_user",
        applies=lambda user: user.is_active and user.email_verified,
        do=lambda user, values, context: send_export(user=user, context=context),
        otherwise=_("The e-mail is not verified, or the account is not active."),
    ),
    "close": Act(
        label=_("Close and delete later"),
        says=_(
            "All sessions end, and the account is deleted when the grace is over. Until then a link that is mailed to"
            " the user keeps it, and so does activating it."
        ),
        permission="accounts.close_user",
        applies=lambda user: user.is_active and bool(conf.deletion_grace),
        do=lambda user, values, context: close_account(user=user, context=context),
        otherwise=_("The account is not active."),
        is_grave=True,
    ),
    "deactivate": Act(
        label=_("Deactivate"),
        says=_("All sessions end, and nobody logs in to the account until it is activated again."),
        permission="accounts.activate_user",
        applies=lambda user: user.is_active,
        do=lambda user, values, context: change_user(user=user, is_active=False, context=context),
        otherwise=_("The account is not active."),
    ),
    "activate": Act(
        label=_("Activate"),
        says=_("The user may log in again."),
        permission="accounts.activate_user",
        applies=lambda user: not user.is_active,
        do=lambda user, values, context: change_user(user=user, is_active=True, context=context),
        otherwise=_("The account was active before."),
    ),
}


def buttons(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    """The acts that make sense for `user` now and that the administrator may do."""
    if is_out_of_reach(user, request):
        return []
    return [
        {"url": reverse("admin:accounts_user_act", args=[user.pk, name]), "label": act.label, "is_grave": act.is_grave}
        for name, act in ACTS.items()
        if act.applies(user) and request.user.has_perm(act.permission)
    ]


def act_page(request: HttpRequest, user: User | None, name: str) -> HttpResponse:
    """Asks on GET, acts on POST, and redirects to the user's page."""
    act = ACTS.get(name)
    if act is None or user is None:
        raise Http404
    if not request.user.has_perm(act.permission) or is_out_of_reach(user, request):
        raise PermissionDenied
    if act.is_grave and (asked := ask_first(request)):
        return asked
    form = act.form(request.POST if request.method == "POST" else None)
    back = reverse("admin:accounts_user_change", args=[user.pk])
    if request.method == "POST" and form.is_valid():
        # Mails to the user are in the user's language, not in the administrator's.
        context = replace(administrator_context(request), language=user.language)
        try:
            done = act.do(user, form.cleaned_data, context)
        except AccountError as error:
            form.add_error("email" if "email" in form.fields else None, " ".join(error.sentences))
        else:
            if done is False:
                messages.warning(request, act.otherwise)
            else:
                messages.success(request, _("Done: %(act)s.") % {"act": act.label})
            return HttpResponseRedirect(back)
    page = {
        **admin.site.each_context(request),
        "title": act.label,
        "subtitle": str(user),
        "account": user,
        "act": act,
        "form": form,
        "back": back,
        "opts": User._meta,
    }
    return render(request, "admin/accounts/user/act.html", page)
