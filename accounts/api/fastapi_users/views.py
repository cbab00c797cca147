"""The routes under /auth/: registration, logins, mailed tokens. Flows do the work."""

from datetime import timedelta
from typing import Any, cast

from django.http import HttpResponseRedirect, QueryDict
from django.urls import resolve
from django.utils.encoding import escape_uri_path
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import MethodNotAllowed, NotFound
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.common import browser_cookie
from accounts.api.common.bodies import check_length
from accounts.api.common.origins import check_origin
from accounts.api.common.views import DialectView
from accounts.api.fastapi_users.authentication import BearerOrCookieAuthentication
from accounts.api.fastapi_users.errors import Malformed, Word, exception_handler, problem
from accounts.api.fastapi_users.parsing import FastAPINegotiation, JSONBodyParser, NoBodyParser, NullableJSONRenderer
from accounts.api.fastapi_users.schema import AUTH_TAG, FORM, NULL, TOKEN_AUTH, operation
from accounts.api.fastapi_users.shapes import (
    BearerResponse,
    EmailBody,
    LoginForm,
    MfaBody,
    ResetPasswordBody,
    Shape,
    TokenBody,
    UserCreate,
    UserRead,
)
from accounts.core.context import Dialect
from accounts.core.errors import ErrorCode
from accounts.flows.answer_challenge import answer_challenge
from accounts.flows.log_in import log_in
from accounts.flows.log_out import log_out
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.resend_verification import resend_verification
from accounts.flows.reset_password import reset_password
from accounts.flows.sign_up import sign_up
from accounts.flows.verify_email import verify_email
from accounts.models.session import SessionKind
from accounts.services.logins import LoggedIn

# These clients have no refresh token, so the session lives as long as their access token and cookie.
TOKEN_LIFETIME = browser_cookie.LIFETIME


class FastAPIUsersView(DialectView):
    # The common part of all operations of the dialect. A docstring here would become the description of each.

    dialect = Dialect.FASTAPI_USERS
    authentication_classes: tuple[Any, ...] = (BearerOrCookieAuthentication,)
    permission_classes: tuple[Any, ...] = (IsAuthenticated,)
    parser_classes: tuple[Any, ...] = (JSONBodyParser,)
    renderer_classes = (NullableJSONRenderer,)
    content_negotiation_class = FastAPINegotiation
    http_method_names = ["get", "post", "patch", "delete"]
    # Words of the package for this operation that differ from errors.WIRE.
    words: dict[ErrorCode, Word] = {}

    def get_exception_handler(self) -> Any:
        return exception_handler

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # FastAPI checks the method first, then the body, then the credentials.
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        if request.method in ("POST", "PATCH"):
            check_length(request)
            request.data  # noqa: B018
        super().initial(request, *args, **kwargs)

    def body(self, shape: type[Shape]) -> dict[str, Any]:
        """The request's body, which is an object of `shape`; raises Malformed."""
        if self.request.stream is None:
            raise Malformed([problem("missing", "Field required")])
        if not isinstance(self.request.data, dict):
            message = "Input should be a valid dictionary or object to extract fields from"
            raise Malformed([problem("model_attributes_type", message)])
        return shape(data=self.request.data).check()

    def fields(self, shape: type[Shape]) -> dict[str, Any]:
        """The fields of `shape` out of the request's body, whatever that is; raises Malformed."""
        data = self.request.data
        return shape(data=data if isinstance(data, dict) else {}).check()


class CredentialView(FastAPIUsersView):
    # Ignores credentials: an expired token must not prevent a login.
    authentication_classes = ()
    permission_classes = ()


class RegisterView(CredentialView):
    words = {
        ErrorCode.EMAIL_TAKEN: Word.REGISTER_USER_ALREADY_EXISTS,
        ErrorCode.PASSWORD_INVALID: Word.REGISTER_INVALID_PASSWORD,
    }

    @operation(
        _("Register a user"),
        id="register_register_auth_register_post",
        tag=AUTH_TAG,
        body=UserCreate,
        success={201: UserRead},
        words=(Word.REGISTER_USER_ALREADY_EXISTS,),
        with_reason=(Word.REGISTER_INVALID_PASSWORD,),
    )
    def post(self, request: Request) -> Response:
        body = self.body(UserCreate)
        signed_up = sign_up(
            username=None,
            email=body["email"],
            password=body["password"],
            starts_session=False,
            context=self.client(),
        )
        return Response(UserRead(signed_up.user).data, status=201)


class LoginView(CredentialView):
    kind = SessionKind.API
    parser_classes = (MultiPartParser, FormParser, NoBodyParser)

    @operation(
        _("Log a user in"),
        id="auth_jwt_login_auth_jwt_login_post",
        tag=AUTH_TAG,
        body=LoginForm,
        media_types=FORM,
        success={200: BearerResponse},
        words=(Word.LOGIN_BAD_CREDENTIALS, Word.LOGIN_USER_NOT_VERIFIED),
        challenges=True,
    )
    def post(self, request: Request) -> Response:
        return with_token(self.log_in().tokens.access)

    def log_in(self) -> LoggedIn:
        # FastAPI treats an empty field of a form as missing.
        filled = {name: value for name, value in cast(QueryDict, self.request.data).items() if value != ""}
        form = LoginForm(data=filled).check()
        return log_in(
            names=(form["username"],),
            password=form["password"],
            lifetime=TOKEN_LIFETIME,
            kind=self.kind,
            context=self.client(),
        )


class CookieLoginView(LoginView):
    kind = SessionKind.BROWSER

    @operation(
        _("Log a user in with a cookie"),
        id="auth_cookie_login_auth_cookie_login_post",
        tag=AUTH_TAG,
        body=LoginForm,
        media_types=FORM,
        success={204: None},
        words=(Word.LOGIN_BAD_CREDENTIALS, Word.LOGIN_USER_NOT_VERIFIED),
        challenges=True,
    )
    def post(self, request: Request) -> Response:
        # Another site must not log a browser in either: its user would go on in a stranger's account.
        check_origin(request)
        return with_cookie(self.log_in().tokens.access, max_age=TOKEN_LIFETIME)


class MfaView(CredentialView):
    kind = SessionKind.API

    @operation(
        _("Answer a challenge with a second factor"),
        id="auth_jwt_mfa_auth_jwt_mfa_post",
        tag=AUTH_TAG,
        body=MfaBody,
        success={200: BearerResponse},
        words=(Word.MFA_BAD_CHALLENGE, Word.INVALID_CODE, Word.LOGIN_USER_NOT_VERIFIED, Word.LOGIN_BAD_CREDENTIALS),
    )
    def post(self, request: Request) -> Response:
        return with_token(self.answer().tokens.access)

    def answer(self) -> LoggedIn:
        return answer_challenge(**self.body(MfaBody), kind=self.kind, context=self.client())


class CookieMfaView(MfaView):
    kind = SessionKind.BROWSER

    @operation(
        _("Answer a challenge with a second factor, with a cookie"),
        id="auth_cookie_mfa_auth_cookie_mfa_post",
        tag=AUTH_TAG,
        body=MfaBody,
        success={204: None},
        words=(Word.MFA_BAD_CHALLENGE, Word.INVALID_CODE, Word.LOGIN_USER_NOT_VERIFIED, Word.LOGIN_BAD_CREDENTIALS),
        refusals=(403,),
    )
    def post(self, request: Request) -> Response:
        check_origin(request)
        return with_cookie(self.answer().tokens.access, max_age=TOKEN_LIFETIME)


class LogoutView(FastAPIUsersView):
    parser_classes = (NoBodyParser,)

    @operation(
        _("Log out"),
        id="auth_jwt_logout_auth_jwt_logout_post",
        tag=AUTH_TAG,
        success={204: None},
        refusals=(401, 403),
        auth=TOKEN_AUTH,
    )
    def post(self, request: Request) -> Response:
        log_out(session=self.session, context=self.client())
        return Response(status=204)


class CookieLogoutView(LogoutView):
    @operation(
        _("Log out and take the cookie back"),
        id="auth_cookie_logout_auth_cookie_logout_post",
        tag=AUTH_TAG,
        success={204: None},
        refusals=(401, 403),
        auth=TOKEN_AUTH,
    )
    def post(self, request: Request) -> Response:
        log_out(session=self.session, context=self.client())
        return with_cookie("", max_age=timedelta(0))


class ForgotPasswordView(CredentialView):
    @operation(
        _("Ask for a password reset"),
        id="reset_forgot_password_auth_forgot_password_post",
        tag=AUTH_TAG,
        body=EmailBody,
        success={202: NULL},
    )
    def post(self, request: Request) -> Response:
        request_password_reset(email=self.fields(EmailBody)["email"], context=self.client())
        return Response(status=202)


class ResetPasswordView(CredentialView):
    words = {ErrorCode.PASSWORD_INVALID: Word.RESET_PASSWORD_INVALID_PASSWORD}

    @operation(
        _("Reset a password"),
        id="reset_reset_password_auth_reset_password_post",
        tag=AUTH_TAG,
        body=ResetPasswordBody,
        success={200: NULL},
        words=(Word.RESET_PASSWORD_BAD_TOKEN,),
        with_reason=(Word.RESET_PASSWORD_INVALID_PASSWORD,),
    )
    def post(self, request: Request) -> Response:
        reset_password(**self.fields(ResetPasswordBody), context=self.client())
        return Response()


class RequestVerifyTokenView(CredentialView):
    @operation(
        _("Send the verification e-mail again"),
        id="verify_request_token_auth_request_verify_token_post",
        tag=AUTH_TAG,
        body=EmailBody,
        success={202: NULL},
    )
    def post(self, request: Request) -> Response:
        resend_verification(email=self.fields(EmailBody)["email"], context=self.client())
        return Response(status=202)


class VerifyView(CredentialView):
    @operation(
        _("Verify an e-mail address"),
        id="verify_verify_auth_verify_post",
        tag=AUTH_TAG,
        body=TokenBody,
        success={200: UserRead},
        words=(Word.VERIFY_USER_BAD_TOKEN, Word.VERIFY_USER_ALREADY_VERIFIED),
    )
    def post(self, request: Request) -> Response:
        user = verify_email(key=self.fields(TokenBody)["token"], context=self.client())
        return Response(UserRead(user).data)


class UnknownPathView(CredentialView):
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        right = request.path_info.rstrip("/")
        if right == request.path_info or getattr(resolve(right).func, "view_class", None) is UnknownPathView:
            return super().dispatch(request, *args, **kwargs)
        # The right path has no slash at its end. The package redirects to it, whatever the method.
        query = request.META.get("QUERY_STRING", "")
        url = escape_uri_path(request.path.rstrip("/")) + (f"?{query}" if query else "")
        return HttpResponseRedirect(url, preserve_request=True, headers={"Cache-Control": "no-store"})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound


def with_token(token: str) -> Response:
    """An answer with the access token in its body."""
    return Response(BearerResponse({"access_token": token, "token_type": "bearer"}).data)


def with_cookie(token: str, *, max_age: timedelta) -> Response:
    """An answer without a body that sets the cookie."""
    response = Response(status=204)
    browser_cookie.put(response, token, max_age=max_age)
    return response
