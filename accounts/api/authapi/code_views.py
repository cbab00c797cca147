"""Logging in with a mailed code, without a password."""

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authapi.mfa_serializers import MfaRequiredSerializer
from accounts.api.authapi.schema import NO_AUTH, operation
from accounts.api.authapi.serializers import EmailSerializer, JWTSerializer, LoginCodeSerializer
from accounts.api.authapi.views import DETAIL, AuthApiView, detail, jwt_response
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.log_in_with_code import log_in_with_code, request_login_code

TAGS = ["login"]


class LoginCodeView(AuthApiView):
    """The answer is the same for every address. Only a verified one gets a code, and staff get none."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("Ask for a code to log in"),
        request=EmailSerializer,
        success=DETAIL,
        repeatable=True,
        auth=NO_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        request_login_code(**self.body(EmailSerializer), context=self.client())
        return detail(_("If one can log in with this address, a code has been sent to it."))


class LoginCodeConfirmView(AuthApiView):
    """A code lives ten minutes, works once and takes five tries. It is no second factor."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("Log in with a mailed code"),
        request=LoginCodeSerializer,
        success={200: JWTSerializer},
        special={403: MfaRequiredSerializer},
        repeatable=True,
        auth=NO_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        return jwt_response(log_in_with_code(**self.body(LoginCodeSerializer), context=self.client()))

    def answer_anew(self) -> Response:
        # The tokens are lost and the code is spent, so its owner has to ask for another one.
        raise AccountError(ErrorCode.INVALID_CODE)
