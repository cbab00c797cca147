"""Second factors: answering a challenge, adding and removing factors, proving one's identity again."""

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authapi.mfa_serializers import (
    MfaStatusSerializer,
    MfaVerifySerializer,
    ReauthenticateSerializer,
    RecoveryCodesLeftSerializer,
    RecoveryCodesSerializer,
    TotpActivatedSerializer,
    TotpActivateSerializer,
    TotpDeactivateSerializer,
    TotpOfferSerializer,
)
from accounts.api.authapi.schema import NO_AUTH, REQUIRED_AUTH, operation
from accounts.api.authapi.serializers import JWTSerializer, NoBodySerializer
from accounts.api.authapi.views import DETAIL, AuthApiView, detail, jwt_response
from accounts.api.common.authentication import EnrollingBearerAuthentication
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.answer_challenge import answer_challenge
from accounts.flows.change_factors import add_totp, offer_totp, remove_totp, replace_recovery_codes
from accounts.flows.reauthenticate import reauthenticate
from accounts.services import factors
from accounts.services.factors import recovery_codes, totp

TAGS = ["mfa"]


class MfaVerifyView(AuthApiView):
    """The second step of a login that was refused with `mfa_required`."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("Answer a challenge with a second factor"),
        request=MfaVerifySerializer,
        success={200: JWTSerializer},
        repeatable=True,
        auth=NO_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        return jwt_response(answer_challenge(**self.body(MfaVerifySerializer), context=self.client()))

    def answer_anew(self) -> Response:
        # The tokens are lost and the challenge is spent, so the login has to begin again.
        raise AccountError(ErrorCode.INVALID_CHALLENGE)


class FactorsView(AuthApiView):
    # Also for users who have to add a factor before they can use the session for anything else.
    authentication_classes = (EnrollingBearerAuthentication,)


class MfaStatusView(FactorsView):
    """Which second factors one has."""

    @operation(
        _("See one's second factors"),
        success={200: MfaStatusSerializer},
        refusals=(401, 403),
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        user = self.session.user
        factor = totp.find(user)
        return Response(
            {
                "mfa_enabled": factor is not None,
                "created_at": factor and factor.created_at,
                "last_used_at": factor and factor.last_used_at,
                "factors": factors.names(user),
                "recovery_codes_left": recovery_codes.left(user),
            }
        )


class TotpActivateView(FactorsView):
    """An authenticator app counts once a code of it has confirmed the secret."""

    @operation(
        _("Get a secret for an authenticator app"),
        success={200: TotpOfferSerializer},
        refusals=(401, 403, 409),
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        offer = offer_totp(session=self.session)
        return Response(
            {
                "secret": offer.secret,
                "totp_url": offer.uri,
                "qr_code_data_uri": offer.qr_code,
                "activation_token": offer.token,
            }
        )

    @operation(
        _("Add an authenticator app"),
        request=TotpActivateSerializer,
        success={200: TotpActivatedSerializer},
        refusals=(401, 403),
        repeatable=True,
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        body = self.body(TotpActivateSerializer)
        codes = add_totp(session=self.session, token=body["activation_token"], code=body["code"], context=self.client())
        return Response({"recovery_codes": codes})


class TotpDeactivateView(AuthApiView):
    """Without `code` it needs a recent proof."""

    @operation(
        _("Remove the authenticator app"),
        request=TotpDeactivateSerializer,
        success=DETAIL,
        refusals=(401, 403, 404),
        repeatable=True,
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        remove_totp(session=self.session, **self.body(TotpDeactivateSerializer), context=self.client())
        return detail(_("The authenticator app has been removed."))


class RecoveryCodesView(AuthApiView):
    """The codes themselves are shown once, when they are made."""

    @operation(
        _("See how many recovery codes are left"),
        success={200: RecoveryCodesLeftSerializer},
        refusals=(401, 403),
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        return Response({"left": recovery_codes.left(self.session.user)})


class RecoveryCodesRegenerateView(AuthApiView):
    """The codes before are dead. It needs a recent proof."""

    @operation(
        _("Make new recovery codes"),
        success={200: RecoveryCodesSerializer},
        refusals=(400, 401, 403, 404, 413, 415, 429),
        repeatable=True,
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        self.body(NoBodySerializer)
        return Response({"codes": replace_recovery_codes(session=self.session, context=self.client())})


class ReauthenticateView(FactorsView):
    """For what asks for a recent proof: ten minutes for second factors."""

    error_fields = {ErrorCode.WRONG_PASSWORD: "password"}
    heeds_idempotency_key = False

    @operation(
        _("Prove again who one is"),
        request=ReauthenticateSerializer,
        success=DETAIL,
        refusals=(401, 403),
        auth=REQUIRED_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        reauthenticate(session=self.session, **self.body(ReauthenticateSerializer), context=self.client())
        return detail(_("ok"))
