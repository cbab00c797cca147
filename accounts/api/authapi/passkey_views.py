"""Passkeys: adding, naming and removing them, and logging in with one."""

import uuid

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authapi.mfa_serializers import (
    PasskeyAddedSerializer,
    PasskeyAddSerializer,
    PasskeyBegunSerializer,
    PasskeyLoginBeginSerializer,
    PasskeyLoginSerializer,
    PasskeyNameSerializer,
    PasskeySerializer,
)
from accounts.api.authapi.mfa_views import FactorsView
from accounts.api.authapi.schema import NO_AUTH, REQUIRED_AUTH, operation
from accounts.api.authapi.serializers import JWTSerializer, NoBodySerializer
from accounts.api.authapi.views import AuthApiView, jwt_response
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.change_factors import add_passkey, offer_passkey, remove_passkey, rename_passkey
from accounts.flows.log_in_with_passkey import begin_login, log_in_with_passkey
from accounts.services.factors import passkeys

TAGS = ["passkey"]


class PasskeyRegisterBeginView(FactorsView):
    """The options are what `navigator.credentials.create` takes as `publicKey`, with Base64url for bytes."""

    heeds_idempotency_key = False

    @operation(
        _("Begin to add a passkey"),
        success={200: PasskeyBegunSerializer},
        refusals=(400, 401, 403, 413, 415),
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        self.body(NoBodySerializer)
        begun = offer_passkey(session=self.session)
        return Response({"options": begun.options, "state": begun.state})


class PasskeyRegisterCompleteView(FactorsView):
    """With the first factor come recovery codes, which are shown once."""

    @operation(
        _("Add a passkey"),
        request=PasskeyAddSerializer,
        success={201: PasskeyAddedSerializer},
        refusals=(401, 403),
        repeatable=True,
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        body = self.body(PasskeyAddSerializer)
        passkey, codes = add_passkey(session=self.session, **body, context=self.client())
        return Response({**PasskeySerializer(passkey).data, "recovery_codes": codes}, status=201)


class PasskeyLoginBeginView(AuthApiView):
    """The options are what `navigator.credentials.get` takes as `publicKey`, with Base64url for bytes."""

    authentication_classes = ()
    permission_classes = ()
    heeds_idempotency_key = False

    @operation(
        _("Begin a login with a passkey"),
        request=PasskeyLoginBeginSerializer,
        success={200: PasskeyBegunSerializer},
        auth=NO_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        begun = begin_login(**self.body(PasskeyLoginBeginSerializer))
        return Response({"options": begun.options, "state": begun.state})


class PasskeyLoginCompleteView(AuthApiView):
    """Without `challenge` the passkey is the only factor; with one it is the second."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("Log in with a passkey"),
        request=PasskeyLoginSerializer,
        success={200: JWTSerializer},
        repeatable=True,
        auth=NO_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        return jwt_response(log_in_with_passkey(**self.body(PasskeyLoginSerializer), context=self.client()))

    def answer_anew(self) -> Response:
        # The tokens are lost and the state is spent, so the login has to begin again.
        raise AccountError(ErrorCode.INVALID_CHALLENGE)


class PasskeysView(FactorsView):
    """One's passkeys, the oldest first: twenty at most."""

    @operation(
        _("List one's passkeys"),
        success={200: PasskeySerializer(many=True)},
        refusals=(401, 403),
        auth=REQUIRED_AUTH,
        tags=TAGS,
        operation_id="auth_passkeys_list",
    )
    def get(self, request: Request) -> Response:
        return Response(PasskeySerializer(passkeys.of(self.session.user), many=True).data)


ID = (OpenApiParameter("id", uuid.UUID, OpenApiParameter.PATH),)


class PasskeyView(AuthApiView):
    @operation(
        _("Rename a passkey"),
        request=PasskeyNameSerializer,
        success={200: PasskeySerializer},
        refusals=(401, 403, 404),
        auth=REQUIRED_AUTH,
        tags=TAGS,
        parameters=ID,
    )
    def patch(self, request: Request, id: uuid.UUID) -> Response:
        passkey = rename_passkey(session=self.session, id=id, **self.body(PasskeyNameSerializer))
        return Response(PasskeySerializer(passkey).data)

    @operation(
        _("Remove a passkey"),
        success={204: None},
        refusals=(401, 403, 404, 429),
        auth=REQUIRED_AUTH,
        tags=TAGS,
        parameters=ID,
    )
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        remove_passkey(session=self.session, id=id, context=self.client())
        return Response(status=204)
