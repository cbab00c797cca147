"""The bodies of second factors, in the shapes of dj-rest-auth where it has them."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.authapi.serializers import PasswordField, RefusalSerializer, Text

FACTORS = ["totp", "recovery_code"]


class MfaRequiredSerializer(RefusalSerializer):
    """The password is right, and one of `factors` has to be shown for `challenge` within five minutes."""

    challenge = serializers.CharField()
    factors = serializers.ListField(child=serializers.ChoiceField(choices=FACTORS))
    # As dj-rest-auth says it.
    ephemeral_token = serializers.CharField()
    mfa_required = serializers.BooleanField()


class MfaVerifySerializer(serializers.Serializer[Any]):
    challenge = Text(required=False)
    # dj-rest-auth's name of it.
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


class NewRecoveryCodesSerializer(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(child=serializers.CharField())


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    codes = serializers.ListField(child=serializers.CharField())


class TotpDeactivateSerializer(serializers.Serializer[Any]):
    code = Text(required=False)


class RecoveryCodesLeftSerializer(serializers.Serializer[Any]):
    left = serializers.IntegerField()


class ReauthenticateSerializer(serializers.Serializer[Any]):
    password = PasswordField(required=False)
    code = Text(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_('Must include either "password" or "code".'))
        return attrs
