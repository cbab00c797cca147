"""The bodies of FastAPI Users: serializers like the package's pydantic models, with pydantic's types and messages.

The core checks values. Only addresses that pydantic's EmailStr refuses are refused here already.
"""

from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.fastapi_users.errors import Malformed, problem, value_problem
from accounts.core.errors import AccountError
from accounts.models import User
from accounts.services import names

TRUE = {1, "1", "on", "t", "true", "y", "yes"}
FALSE = {0, "0", "off", "f", "false", "n", "no"}
# Longer than any allowed name, password, key or token.
LONGEST_TEXT = 5000


class Str(serializers.CharField):
    """A string exactly as it was sent. A number is refused."""

    default_error_messages = {
        "required": "Field required",
        "string_type": "Input should be a valid string",
        "null": "Input should be a valid string",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and not isinstance(data, str) and not (data is None and self.allow_null):
            self.fail("string_type")
        # The text is cut, because DRF's validators read it letter by letter, and a longer text cannot be right.
        return super().run_validation(data[:LONGEST_TEXT] if isinstance(data, str) else data)


class Pasted(Str):
    """A name, an address or a key, which may be pasted with blanks around it."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).strip()


def check_email(value: str) -> None:
    try:
        names.clean_email(value)
    except AccountError as error:
        raise serializers.ValidationError(" ".join(error.sentences), code="email") from None


class Email(Pasted):
    default_validators = [check_email]

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data == "":
            self.run_validators(data)
        return super().run_validation(data)


class Bool(serializers.BooleanField):
    """A boolean in any form that pydantic accepts."""

    default_error_messages = {
        "bool_type": "Input should be a valid boolean",
        "bool_parsing": "Input should be a valid boolean, unable to interpret input",
    }

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, str | int | float):
            self.fail("bool_type")
        known = data.lower() if isinstance(data, str) else data
        if known in TRUE or known in FALSE:
            return known in TRUE
        return self.fail("bool_type" if isinstance(data, float) else "bool_parsing")


class Shape(serializers.Serializer[Any]):
    # A body whose problems have pydantic's form. A docstring here would become the description of each.

    def check(self) -> dict[str, Any]:
        """Returns the values. Raises Malformed with the first problem of each field, in their order."""
        if not self.is_valid():
            raise Malformed([_problem(name, details[0]) for name, details in self.errors.items()])
        return dict(self.validated_data)


def _problem(name: str, detail: Any) -> dict[str, Any]:
    if detail.code == "required":
        return problem("missing", str(detail), name)
    if detail.code == "string_pattern_mismatch":
        return problem(detail.code, str(detail), name, ctx={"pattern": "^password$"})
    if detail.code in ("string_type", "bool_type", "bool_parsing"):
        return problem(detail.code, str(detail), name)
    return value_problem(str(detail), name)


class UserRead(serializers.ModelSerializer[User]):
    email = serializers.EmailField(label=capfirst(_("e-mail")), max_length=254)
    is_verified = serializers.BooleanField(source="email_verified")

    class Meta:
        model = User
        fields = ("id", "email", "is_active", "is_superuser", "is_verified")
        extra_kwargs = {"is_active": {"required": True}, "is_superuser": {"required": True}}


class UserCreate(Shape):
    email = Email()
    password = Str()
    is_active = Bool()
    is_superuser = Bool()
    is_verified = Bool()


class UserUpdate(Shape):
    password = Str(required=False, allow_null=True)
    email = Email(required=False, allow_null=True)
    is_active = Bool()
    is_superuser = Bool()
    is_verified = Bool()


class GrantType(Str):
    default_error_messages = {"string_pattern_mismatch": "String should match pattern '^password$'"}

    def to_internal_value(self, data: Any) -> str:
        if data != "password":
            self.fail("string_pattern_mismatch")
        return str(data)


class LoginForm(Shape):
    """OAuth2's password form; `username` carries the e-mail."""

    grant_type = GrantType(required=False)
    username = Pasted()
    password = Str()
    # Clients of OAuth2 may send these fields. They have no effect.
    scope = Str(required=False)
    client_id = Str(required=False)
    client_secret = Str(required=False)


class BearerResponse(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["bearer"])


class AuthorizationUrl(serializers.Serializer[Any]):
    authorization_url = serializers.CharField()


class EmailBody(Shape):
    email = Email()


class TokenBody(Shape):
    token = Pasted()


class MfaBody(Shape):
    challenge = Pasted()
    code = Pasted()


class ResetPasswordBody(Shape):
    token = Pasted()
    password = Str()
