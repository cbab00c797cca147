"""The bodies of the AuthApi. They check only shapes; the core checks values."""

from typing import Any

from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from accounts.api.authapi.errors import WIRE
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import SecurityEvent, Session, User
from accounts.models.security_event import NOT_FOR_USERS, EventKind
from accounts.services import names

# Longer than any allowed name, password, key or token.
LONGEST_TEXT = 5000


class NoSurrogates(ProhibitSurrogateCharactersValidator):
    """DRF's validator looks at each letter. This one does so only if the text is not ASCII, and a token is ASCII."""

    def __call__(self, value: str) -> None:
        if not value.isascii():
            super().__call__(value)


class Text(serializers.CharField):
    """A text that is cut where it is too long to be right, since DRF's validators read it letter by letter.

    A number is no text: DRF would make the name "0" of it, and "1.0" of 1.0.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        slow = ProhibitSurrogateCharactersValidator
        self.validators = [each for each in self.validators if not isinstance(each, slow)] + [NoSurrogates()]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data[:LONGEST_TEXT])


def check_email(value: str) -> None:
    if len(value) > names.LONGEST_EMAIL:
        # max_length reports this.
        return
    try:
        names.clean_email(value)
    except AccountError as error:
        raise serializers.ValidationError([str(sentence) for sentence in error.sentences], code="invalid") from None


class Email(Text, serializers.EmailField):
    """An e-mail address, as a Text; the core says what is one, for DRF knows none beyond ASCII."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [each for each in self.validators if not isinstance(each, EmailValidator)] + [check_email]


class PasswordField(Text):
    """Taken exactly as it was typed (ASVS 5.0, 6.2.5)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, style={"input_type": "password"}, write_only=True, **kwargs)


def check_same(attrs: dict[str, Any], first: str, second: str) -> dict[str, Any]:
    if attrs[first] != attrs[second]:
        raise serializers.ValidationError({second: [_("The two password fields didn't match.")]}, code="mismatch")
    return attrs


class LoginSerializer(serializers.Serializer[Any]):
    username = Text(required=False, allow_blank=True)
    email = Text(required=False, allow_blank=True)
    password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = tuple(attrs[name] for name in ("username", "email") if attrs.get(name))
        if not names:
            raise serializers.ValidationError(_('Must include either "username" or "email" and "password".'))
        return {"names": names, "password": attrs["password"]}


class LoginCodeSerializer(serializers.Serializer[Any]):
    email = Email(max_length=254)
    code = Text()


class UserDetailsSerializer(serializers.Serializer[User]):
    pk = serializers.UUIDField(read_only=True)
    username = Text(max_length=150)
    email = serializers.EmailField(read_only=True)
    email_verified = serializers.BooleanField(read_only=True)
    avatar_url = Text(max_length=500, required=False, allow_blank=True)
    # The account's id in the system that it came from; empty for an account that was made here.
    external_id = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_visit = serializers.DateTimeField(read_only=True)


def user_details(user: User) -> dict[str, Any]:
    """A user in the shape of UserDetailsSerializer, which would copy all its fields for every answer."""
    return {
        "pk": user.pk,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified,
        "avatar_url": user.avatar_url,
        "external_id": user.external_id,
        "created_at": user.created_at,
        "last_visit": user.last_visit,
    }


class JWTSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    user = UserDetailsSerializer()


class RestAuthDetailSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(read_only=True)


class RegistrationSerializer(serializers.Serializer[Any]):
    username = Text(max_length=150)
    email = Email(max_length=254)
    password1 = PasswordField()
    password2 = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return check_same(attrs, "password1", "password2")


class PasswordChangeSerializer(serializers.Serializer[Any]):
    old_password = PasswordField()
    new_password1 = PasswordField()
    new_password2 = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return check_same(attrs, "new_password1", "new_password2")


class PasswordResetConfirmSerializer(serializers.Serializer[Any]):
    new_password1 = PasswordField()
    new_password2 = PasswordField()
    uid = Text()
    token = Text()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return check_same(attrs, "new_password1", "new_password2")


class EmailSerializer(serializers.Serializer[Any]):
    email = Email(max_length=254)


class DeletionSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()
    # The mailed link keeps the account until then.
    delete_at = serializers.DateTimeField()


class VerifyEmailSerializer(serializers.Serializer[Any]):
    key = Text(write_only=True)


class TokenRefreshSerializer(serializers.Serializer[Any]):
    refresh = Text()
    access = serializers.CharField(read_only=True)


class TokenVerifySerializer(serializers.Serializer[Any]):
    token = Text(write_only=True)


class NoBodySerializer(serializers.Serializer[Any]):
    """For operations that take nothing: a body that is not an object is refused all the same."""


class SessionSerializer(serializers.ModelSerializer[Session]):
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ("id", "dialect", "ip", "user_agent", "started_at", "last_used_at", "expires_at", "is_current")

    def get_is_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["request"].auth.pk)


# The kinds of events that users see of their own accounts.
EVENT_KINDS = [(kind.value, kind.label) for kind in EventKind if kind not in NOT_FOR_USERS]


class SecurityEventSerializer(serializers.ModelSerializer[SecurityEvent]):
    kind = serializers.ChoiceField(choices=EVENT_KINDS)

    class Meta:
        model = SecurityEvent
        fields = ("kind", "at", "session_id", "dialect", "ip", "user_agent", "detail")

    def to_representation(self, instance: SecurityEvent) -> dict[str, Any]:
        """An administrator's address is not the user's to know."""
        shown = super().to_representation(instance)
        return {**shown, "ip": "", "user_agent": ""} if instance.is_of_another_client else shown


class EndedSerializer(serializers.Serializer[Any]):
    ended = serializers.IntegerField(help_text="How many sessions were ended.")


# The values of `code` beside `detail`. The literal texts are those of DRF.
ERROR_CODES = [
    *(code.value for code, wire in WIRE.items() if wire.field is None),
    # It stands under a field in a login, and beside `detail` if a token is used.
    ErrorCode.EMAIL_NOT_VERIFIED.value,
    "not_authenticated",
    "permission_denied",
    "bad_request",
    "parse_error",
    "not_found",
    "method_not_allowed",
    "body_too_large",
    "unsupported_media_type",
]


class RefusalSerializer(serializers.Serializer[Any]):
    """A refusal that concerns no field."""

    detail = serializers.CharField()
    code = serializers.ChoiceField(choices=ERROR_CODES)
