"""The bodies of second factors, in the shapes of dj-rest-auth where those exist."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.authapi.serializers import PasswordField, RefusalSerializer, Text
from accounts.models import Passkey

FACTORS = ["totp", "passkey", "recovery_code"]


class MfaRequiredSerializer(RefusalSerializer):
    """The password is right, and one of `factors` has to be shown for `challenge` within five minutes."""

    challenge = serializers.CharField()
    factors = serializers.ListField(child=serializers.ChoiceField(choices=FACTORS))
    # The sentence of dj-rest-auth.
    ephemeral_token = serializers.CharField()
    mfa_required = serializers.BooleanField()


class MfaVerifySerializer(serializers.Serializer[Any]):
    challenge = Text(required=False)
    # dj-rest-auth's name for it.
    ephemeral_token = Text(required=False)
    code = Text()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        challenge = attrs.get("challenge") or attrs.get("ephemeral_token")
        if not challenge:
            raise serializers.ValidationError({"challenge": [_("This field is required.")]}, code="required")
        return {"challenge": challenge, "code": attrs["code"]}


class MfaStatusSerializer(serializers.Serializer[Any]):
    mfa_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    factors = serializers.ListField(child=serializers.ChoiceField(choices=FACTORS))
    recovery_codes_left = serializers.IntegerField()


class TotpOfferSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField()
    totp_url = serializers.CharField()
    qr_code_data_uri = serializers.CharField()
    activation_token = serializers.CharField()


class TotpActivateSerializer(serializers.Serializer[Any]):
    activation_token = Text()
    code = Text()


class TotpActivatedSerializer(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(child=serializers.CharField())


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    codes = serializers.ListField(child=serializers.CharField())


class TotpDeactivateSerializer(serializers.Serializer[Any]):
    code = Text(required=False)


class RecoveryCodesLeftSerializer(serializers.Serializer[Any]):
    left = serializers.IntegerField()


@extend_schema_field({"type": "object", "additionalProperties": True})
class WebAuthnJSON(serializers.JSONField):
    """What WebAuthn has as JSON: the options of a ceremony, and what `toJSON()` of a PublicKeyCredential answers."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            value = super().to_internal_value(data)
        except RecursionError:
            # The value is nested too deeply for Python's JSON.
            value = None
        if not isinstance(value, dict):
            self.fail("invalid")
        return value


class PasskeyBegunSerializer(serializers.Serializer[Any]):
    options = WebAuthnJSON()
    state = serializers.CharField()


class PasskeyAddSerializer(serializers.Serializer[Any]):
    state = Text()
    credential = WebAuthnJSON()
    name = Text(max_length=100)


class PasskeyLoginBeginSerializer(serializers.Serializer[Any]):
    challenge = Text(required=False)


class PasskeyLoginSerializer(serializers.Serializer[Any]):
    state = Text()
    credential = WebAuthnJSON()
    challenge = Text(required=False)


class PasskeyNameSerializer(serializers.Serializer[Any]):
    name = Text(max_length=100)


class PasskeySerializer(serializers.ModelSerializer[Passkey]):
    class Meta:
        model = Passkey
        fields = ["id", "name", "is_backed_up", "created_at", "last_used_at"]


class PasskeyAddedSerializer(PasskeySerializer):
    recovery_codes = serializers.ListField(child=serializers.CharField())

    class Meta(PasskeySerializer.Meta):
        fields = [*PasskeySerializer.Meta.fields, "recovery_codes"]


class ReauthenticateSerializer(serializers.Serializer[Any]):
    password = PasswordField(required=False)
    code = Text(required=False)
    state = Text(required=False)
    credential = WebAuthnJSON(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if set(attrs) == {"state", "credential"}:
            return {"passkey": (attrs["state"], attrs["credential"])}
        if len(attrs) != 1 or not attrs.keys() <= {"password", "code"}:
            raise serializers.ValidationError(_('Must include "password", "code", or "state" and "credential".'))
        return attrs
