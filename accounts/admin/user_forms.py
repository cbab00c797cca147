"""The forms of a user's page. They check values like the flows, so that errors are shown beside the fields."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.core.errors import AccountError
from accounts.models import User
from accounts.models.user import canonical
from accounts.services import names, passwords


def checked(check: Any, value: str, *args: Any) -> Any:
    """The value after the core's `check`; a refusal of the core becomes an error of the form."""
    try:
        return check(value, *args)
    except AccountError as error:
        raise ValidationError([str(reason) for reason in error.sentences]) from None


class UserForm(forms.ModelForm):
    def clean_username(self) -> str:
        username: str = checked(names.clean_username, self.cleaned_data["username"])
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
        email: str = checked(names.clean_email, self.cleaned_data["email"])
        self._check_free(_("A user is already registered with this e-mail address."), email_key=canonical(email))
        return email

    def clean_password2(self) -> str:
        first, second = self.cleaned_data.get("password1", ""), self.cleaned_data["password2"]
        if first != second:
            raise ValidationError(_("The two password fields didn't match."))
        user = User(username=self.cleaned_data.get("username", ""), email=self.cleaned_data.get("email", ""))
        checked(passwords.validate, second, user)
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
        return str(checked(names.clean_avatar_url, self.cleaned_data["avatar_url"]))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The page contains the values that it showed, so that only the administrator's changes are written: somebody
        # else may have changed other values since the page was opened. A user without groups has no hidden field for
        # them.
        carries_initial = any(name.startswith("initial-") for name in self.data)
        for field in self.fields.values():
            field.show_hidden_initial = carries_initial or not self.is_bound
        self.fields["email_verified"].initial = self.instance.email_verified
        self.fields["email_verified"].disabled = not self.may_verify
