"""The bodies of logins with other providers, in the shapes of dj-rest-auth where those exist."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.authapi.serializers import Text

# RFC 7636 §4.1.
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
LONGEST_TOKEN = 20_000


class Token(serializers.CharField):
    """A text from a provider. It may be longer than texts that people type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_TOKEN, **kwargs)


class SocialLoginSerializer(serializers.Serializer[Any]):
    """A code with its `code_verifier` and `redirect_uri`, or an id token.

    An access token is refused: it does not say for whom it was made, so another application's would do.
    """

    code = Token(required=False)
    code_verifier = Text(required=False)
    redirect_uri = Text(required=False)
    id_token = Token(required=False)
    nonce = Text(required=False)
    # VK sends it with a code.
    device_id = Text(required=False)
    access_token = Token(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("access_token") and not attrs.get("id_token"):
            sentence = _("An access token does not say for whom it was made. Send a code or an id token.")
            raise serializers.ValidationError({"access_token": [sentence]}, code="invalid")
        if bool(attrs.get("code")) is bool(attrs.get("id_token")):
            raise serializers.ValidationError(_("Send a code or an id token."), code="required")
        if attrs.get("code"):
            for name in ("code_verifier", "redirect_uri"):
                if not attrs.get(name):
                    raise serializers.ValidationError({name: [_("This field is required.")]}, code="required")
            if not VERIFIER.fullmatch(attrs["code_verifier"]):
                sentence = _("It has 43 to 128 letters and digits.")
                raise serializers.ValidationError({"code_verifier": [sentence]}, code="invalid")
        return attrs


class OfferedProviderSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    # Returns the URL to which the browser goes.
    authorize_url = serializers.CharField()


class SocialAccountSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    provider = serializers.CharField()
    uid = serializers.CharField()
    last_login = serializers.DateTimeField()
    date_joined = serializers.DateTimeField()
