"""The ten operations of AuthApi.md. The libraries' views give shape and description; flows do the work."""

from collections.abc import Mapping
from typing import Any

from dj_rest_auth import views as dj_rest_auth
from django.utils.translation import gettext_lazy as _
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, is_success
from rest_framework_simplejwt import views as simplejwt

from accounts.api.authapi import refresh_cookie
from accounts.api.authapi.mfa_serializers import MfaRequiredSerializer
from accounts.api.authapi.repeats import RepeatableView
from accounts.api.authapi.schema import NO_AUTH, OPTIONAL_AUTH, REQUIRED_AUTH, operation
from accounts.api.authapi.serializers import (
    EmailSerializer,
    JWTSerializer,
    LoginSerializer,
    NoBodySerializer,
    PasswordChangeSerializer,
    PasswordResetConfirmSerializer,
    RegistrationSerializer,
    RestAuthDetailSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
    VerifyEmailSerializer,
    user_details,
)
from accounts.api.common.authentication import ExpiredBearerAuthentication
from accounts.core.conf import conf
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import ErrorCode
from accounts.flows.change_password import change_password
from accounts.flows.log_in import log_in
from accounts.flows.log_out import log_out
from accounts.flows.refresh import refresh
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.resend_verification import resend_verification
from accounts.flows.reset_password import reset_password
from accounts.flows.sign_up import sign_up
from accounts.flows.verify_email import verify_email
from accounts.services import sessions

DETAIL = {200: RestAuthDetailSerializer}


class AuthApiView(RepeatableView):
    dialect = Dialect.AUTHAPI
    # Whether the refresh token stays in the answer's body, because the client sent one in a body.
    answers_in_body = False

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if conf.refresh_token_is_in_cookie and is_success(response.status_code) and not self.answers_in_body:
            refresh_cookie.move_into(response)
        return response

    def body(self, serializer_class: Any, **kwargs: Any) -> dict[str, Any]:
        """The request's body in the shape of `serializer_class`; raises ValidationError."""
        serializer = serializer_class(data=self.request.data, **kwargs)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class LoginView(AuthApiView, dj_rest_auth.LoginView):
    authentication_classes = ()
    serializer_class = LoginSerializer

    @operation(
        _("Log a user in"),
        repeatable=True,
        request=LoginSerializer,
        success={200: JWTSerializer},
        special={403: MfaRequiredSerializer},
        auth=OPTIONAL_AUTH,
    )
    def post(self, request: Request) -> Response:
        return self.log_in(self.client())

    def answer_anew(self) -> Response:
        return self.log_in(self.client_without_key())

    def log_in(self, context: ClientContext) -> Response:
        return jwt_response(log_in(**self.body(LoginSerializer), context=context))


class LogoutView(AuthApiView, dj_rest_auth.LogoutView):
    authentication_classes = (ExpiredBearerAuthentication,)
    permission_classes = dj_rest_auth.PasswordChangeView.permission_classes
    http_method_names = ["post", "options"]

    @operation(_("Log out"), repeatable=True, success=DETAIL, refusals=(400, 401, 413, 415), auth=REQUIRED_AUTH)
    def post(self, request: Request) -> Response:
        self.body(NoBodySerializer)
        log_out(session=self.session, context=self.client())
        response = detail(_("Successfully logged out."))
        if conf.refresh_token_is_in_cookie:
            refresh_cookie.expire(response)
        return response


class PasswordChangeView(AuthApiView, dj_rest_auth.PasswordChangeView):
    serializer_class = PasswordChangeSerializer
    error_fields = {ErrorCode.PASSWORD_INVALID: "new_password2"}

    @operation(
        _("Change the password"), repeatable=True, request=PasswordChangeSerializer, success=DETAIL, refusals=(401, 403)
    )
    def post(self, request: Request) -> Response:
        body = self.body(PasswordChangeSerializer)
        change_password(
            session=self.session,
            old_password=body["old_password"],
            new_password=body["new_password1"],
            context=self.client(),
        )
        return detail(_("New password has been saved."))


class PasswordResetView(AuthApiView, dj_rest_auth.PasswordResetView):
    authentication_classes = ()
    serializer_class = EmailSerializer

    @operation(
        _("Ask for a password reset"), repeatable=True, request=EmailSerializer, success=DETAIL, auth=OPTIONAL_AUTH
    )
    def post(self, request: Request) -> Response:
        request_password_reset(**self.body(EmailSerializer), context=self.client())
        return detail(_("Password reset e-mail has been sent."))


class PasswordResetConfirmView(AuthApiView, dj_rest_auth.PasswordResetConfirmView):
    authentication_classes = ()
    serializer_class = PasswordResetConfirmSerializer
    error_fields = {ErrorCode.PASSWORD_INVALID: "new_password2"}

    @operation(
        _("Confirm a password reset"),
        repeatable=True,
        request=PasswordResetConfirmSerializer,
        success=DETAIL,
        auth=OPTIONAL_AUTH,
    )
    def post(self, request: Request) -> Response:
        body = self.body(PasswordResetConfirmSerializer)
        reset_password(uid=body["uid"], token=body["token"], password=body["new_password1"], context=self.client())
        return detail(_("Password has been reset with the new password."))


# dj-rest-auth's three registration views are not subclassed: they cannot be imported without allauth's social accounts
# and their dependencies, and AuthApi.md has no description of theirs.


class RegistrationView(AuthApiView, GenericAPIView[Any]):
    authentication_classes = ()
    permission_classes = ()
    serializer_class = RegistrationSerializer

    @operation(
        _("Register a user"),
        repeatable=True,
        request=RegistrationSerializer,
        success={201: JWTSerializer},
        auth=OPTIONAL_AUTH,
        description="",
    )
    def post(self, request: Request) -> Response:
        body = self.body(RegistrationSerializer)
        signed_up = sign_up(
            username=body["username"], email=body["email"], password=body["password1"], context=self.client()
        )
        if signed_up.tokens is None:
            return detail(_("Verification e-mail sent."), status=HTTP_201_CREATED)
        return jwt_response(signed_up, status=HTTP_201_CREATED)

    def answer_anew(self) -> Response:
        if conf.verification_is_mandatory:
            return detail(_("Verification e-mail sent."), status=HTTP_201_CREATED)
        body = self.body(RegistrationSerializer)
        logged_in = log_in(names=(body["username"],), password=body["password1"], context=self.client_without_key())
        return jwt_response(logged_in, status=HTTP_201_CREATED)


class ResendEmailView(AuthApiView, GenericAPIView[Any]):
    authentication_classes = ()
    permission_classes = ()
    serializer_class = EmailSerializer

    @operation(
        _("Send the verification e-mail again"),
        repeatable=True,
        request=EmailSerializer,
        success=DETAIL,
        auth=OPTIONAL_AUTH,
        description="",
    )
    def post(self, request: Request) -> Response:
        resend_verification(**self.body(EmailSerializer), context=self.client())
        return detail(_("ok"))


class VerifyEmailView(AuthApiView, GenericAPIView[Any]):
    authentication_classes = ()
    permission_classes = ()
    serializer_class = VerifyEmailSerializer

    @operation(
        _("Verify an e-mail address"),
        repeatable=True,
        request=VerifyEmailSerializer,
        success=DETAIL,
        auth=OPTIONAL_AUTH,
        description="",
    )
    def post(self, request: Request) -> Response:
        verify_email(**self.body(VerifyEmailSerializer), context=self.client())
        return detail(_("ok"))


class TokenRefreshView(AuthApiView, simplejwt.TokenRefreshView):
    # The replaced token leads to the same new one.
    heeds_idempotency_key = False
    serializer_class = TokenRefreshSerializer

    @operation(
        _("Refresh a JWT"),
        request=TokenRefreshSerializer,
        success={200: TokenRefreshSerializer},
        refusals=(401, 403),
        auth=NO_AUTH,
    )
    def post(self, request: Request) -> Response:
        tokens = refresh(token=self.refresh_token(), context=self.client())
        return Response({"access": tokens.access, "refresh": tokens.refresh})

    def refresh_token(self) -> str:
        """The token of the body, or else of the cookie."""
        self.answers_in_body = isinstance(self.request.data, Mapping) and bool(self.request.data.get("refresh"))
        token = "" if self.answers_in_body else refresh_cookie.read(self.request)
        return token or str(self.body(TokenRefreshSerializer)["refresh"])


class TokenVerifyView(AuthApiView, simplejwt.TokenVerifyView):
    heeds_idempotency_key = False
    serializer_class = TokenVerifySerializer

    @operation(_("Validate a JWT"), request=TokenVerifySerializer, success={200: None}, refusals=(401,), auth=NO_AUTH)
    def post(self, request: Request) -> Response:
        sessions.check(self.body(TokenVerifySerializer)["token"])
        return Response()


def detail(message: Any, *, status: int = 200) -> Response:
    return Response({"detail": message}, status=status)


def jwt_response(result: Any, *, status: int = 200) -> Response:
    """An answer with the tokens and the user of a flow's result."""
    tokens, user = result.tokens, result.user
    return Response({"access": tokens.access, "refresh": tokens.refresh, "user": user_details(user)}, status=status)
