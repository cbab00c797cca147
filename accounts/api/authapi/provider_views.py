"""Logging in with another provider, in the shapes of dj-rest-auth: an application brings a code or an id token."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authapi.mfa_serializers import MfaRequiredSerializer
from accounts.api.authapi.provider_serializers import (
    OfferedProviderSerializer,
    SocialAccountSerializer,
    SocialLoginSerializer,
)
from accounts.api.authapi.schema import NO_AUTH, operation
from accounts.api.authapi.serializers import JWTSerializer, NoBodySerializer
from accounts.api.authapi.views import DETAIL, AuthApiView, detail, jwt_response
from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity
from accounts.flows.log_in_with_provider import connect_provider, disconnect_provider, log_in_with_provider
from accounts.services import identities, providers

TAGS = ["social"]
PROVIDER = (OpenApiParameter("provider", str, OpenApiParameter.PATH),)


class ProvidersView(AuthApiView):
    """What a page to log in offers."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("List the other providers"), success={200: OfferedProviderSerializer(many=True)}, auth=NO_AUTH, tags=TAGS
    )
    def get(self, request: Request) -> Response:
        offered = [
            {"id": each.id, "name": each.name, "authorize_url": f"{conf.public_url}/auth/{each.id}/authorize"}
            for each in conf.providers.values()
        ]
        return Response(OfferedProviderSerializer(offered, many=True).data)


class ProviderView(AuthApiView):
    # The common part of logging in and connecting.

    def ask(self, id: str) -> Identity:
        """The person whom the provider names for the code or the id token of the body."""
        provider = providers.find(id)
        body = self.body(SocialLoginSerializer)
        nonce: str | None = body.get("nonce") or None
        if token := body.get("id_token"):
            return providers.identity_by_token(provider, token, nonce=nonce)
        if body["redirect_uri"] not in conf.social_redirect_urls:
            raise AccountError(ErrorCode.REDIRECT_URI_INVALID)
        return providers.exchanged(
            provider,
            code=body["code"],
            verifier=body["code_verifier"],
            redirect_uri=body["redirect_uri"],
            nonce=nonce,
            device_id=body.get("device_id", ""),
        )


class SocialLoginView(ProviderView):
    """A first login makes an account. An account that exists is joined only if both sides have proved the address."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("Log in with another provider"),
        request=SocialLoginSerializer,
        success={200: JWTSerializer},
        refusals=(404,),
        special={403: MfaRequiredSerializer},
        repeatable=True,
        auth=NO_AUTH,
        parameters=PROVIDER,
        tags=TAGS,
    )
    def post(self, request: Request, provider: str) -> Response:
        return jwt_response(log_in_with_provider(ask=lambda: self.ask(provider), context=self.client()))

    def answer_anew(self) -> Response:
        # The tokens are lost and the code is spent, so the browser has to begin again.
        raise AccountError(ErrorCode.PROVIDER_REFUSED)


class SocialConnectView(ProviderView):
    """Asks for a proof within the last ten minutes."""

    @operation(
        _("Connect another provider"),
        request=SocialLoginSerializer,
        success=DETAIL,
        refusals=(401, 403, 404),
        repeatable=True,
        parameters=PROVIDER,
        tags=TAGS,
    )
    def post(self, request: Request, provider: str) -> Response:
        connect_provider(session=self.session, ask=lambda: self.ask(provider), context=self.client())
        return detail(_("The provider is connected."))


class SocialAccountsView(AuthApiView):
    @operation(
        _("List one's providers"),
        success={200: SocialAccountSerializer(many=True)},
        refusals=(401, 403),
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        rows: Any = identities.of(self.session.user)
        return Response(SocialAccountSerializer(rows, many=True).data)


class SocialDisconnectView(AuthApiView):
    """The last way into an account stays."""

    @operation(
        _("Disconnect a provider"),
        success=DETAIL,
        refusals=(400, 401, 403, 404, 413, 415, 429),
        repeatable=True,
        parameters=(OpenApiParameter("id", int, OpenApiParameter.PATH),),
        tags=TAGS,
    )
    def post(self, request: Request, id: int) -> Response:
        self.body(NoBodySerializer)
        disconnect_provider(session=self.session, id=id, context=self.client())
        return detail(_("The provider is disconnected."))
