"""The package's OAuth routes: a browser goes to another provider and comes back with a code."""

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpResponseRedirect, QueryDict
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fastapi_users.errors import Word
from accounts.api.fastapi_users.parsing import NoBodyParser
from accounts.api.fastapi_users.schema import AUTH_TAG, operation
from accounts.api.fastapi_users.shapes import AuthorizationUrl, BearerResponse, UserRead
from accounts.api.fastapi_users.views import TOKEN_LIFETIME, CredentialView, FastAPIUsersView, with_cookie, with_token
from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity
from accounts.flows.log_in_with_provider import connect_provider, log_in_with_provider
from accounts.models.session import SessionKind
from accounts.services import providers
from accounts.services.logins import LoggedIn

# The cookie that binds a state to the browser that began. The name is the package's.
COOKIE = "fastapiusersoauthcsrf"
# The refusals for a provider that has sent no code.
ERRORS = (
    Word.ACCESS_DENIED,
    Word.INVALID_REQUEST,
    Word.INVALID_SCOPE,
    Word.SERVER_ERROR,
    Word.TEMPORARILY_UNAVAILABLE,
    Word.UNAUTHORIZED_CLIENT,
    Word.UNSUPPORTED_RESPONSE_TYPE,
)
PROVIDER = OpenApiParameter("provider", str, OpenApiParameter.PATH)
BEGIN = (
    PROVIDER,
    OpenApiParameter("scopes", str, many=True),
    OpenApiParameter("redirect_uri", str, description="One of SOCIAL_REDIRECT_URLS; our own callback if left out."),
)
# `error` is not listed, because clients do not send it and generators of Go and TypeScript use the name otherwise.
BACK = tuple(OpenApiParameter(name, str) for name in ("code", "state", "iss", "device_id"))
WORDS = (
    Word.BAD_REQUEST,
    *ERRORS,
    Word.ACCESS_TOKEN_DECODE_ERROR,
    Word.OAUTH_INVALID_STATE,
    Word.OAUTH_PROVIDER_REFUSED,
    Word.OAUTH_NOT_AVAILABLE_EMAIL,
    Word.OAUTH_USER_ALREADY_EXISTS,
    Word.LOGIN_BAD_CREDENTIALS,
    Word.LOGIN_USER_NOT_VERIFIED,
)


class Begin(FastAPIUsersView):
    # The common part of the three ways to begin.
    parser_classes = (NoBodyParser,)
    http_method_names = ["get"]

    def begin(self, id: str) -> Response:
        """Sends the URL of the provider, and binds the state to this browser."""
        provider = providers.find(id)
        redirect_uri = self.request.query_params.get("redirect_uri") or f"{conf.public_url}{self.own_callback()}"
        if self.request.query_params.get("redirect_uri") and redirect_uri not in conf.social_redirect_urls:
            raise AccountError(ErrorCode.REDIRECT_URI_INVALID)
        begun = providers.begin(
            provider,
            redirect_uri=redirect_uri,
            scopes=tuple(self.request.query_params.getlist("scopes")[:20]),
            user_id=self.session.user_id if self.request.auth else None,
        )
        response = Response(AuthorizationUrl({"authorization_url": begun.url}).data)
        _set_cookie(response, begun.binding, max_age=timedelta(seconds=providers.STATE_SECONDS))
        return response

    def own_callback(self) -> str:
        return self.request.path.removesuffix("authorize") + "callback"


class AuthorizeView(Begin, CredentialView):
    @operation(
        _("Begin a login with another provider"),
        id="oauth_authorize_auth_provider_authorize_get",
        tag=AUTH_TAG,
        success={200: AuthorizationUrl},
        refusal="Authorize",
        words=(Word.OAUTH_PROVIDER_REFUSED,),
        refusals=(404,),
        unavailable=Word.OAUTH_PROVIDER_UNAVAILABLE,
        query=BEGIN,
    )
    def get(self, request: Request, provider: str) -> Response:
        return self.begin(provider)


class CookieAuthorizeView(AuthorizeView):
    schema = None


class Callback(FastAPIUsersView):
    # The common part of the three ways back.
    parser_classes = (FormParser, NoBodyParser)
    http_method_names = ["get", "post"]

    def ask(self, id: str, *, user_id: object = None) -> Identity:
        """The person whom the provider names. A state that this browser has not begun causes no request."""
        provider = providers.find(id)
        query = self.request.query_params
        state = providers.read_state(
            query.get("state", ""), provider=provider, binding=self.request.COOKIES.get(COOKIE, "")
        )
        if state.user_id != user_id:
            raise AccountError(ErrorCode.PROVIDER_STATE_INVALID)
        return providers.identity_by_code(
            state, code=query.get("code", ""), issuer=query.get("iss"), device_id=query.get("device_id", "")[:500]
        )

    def refused(self, id: str) -> Response | None:
        """The answer if the provider has sent no code; raises AccountError(PROVIDER_NOT_FOUND)."""
        providers.find(id)
        query = self.request.query_params
        if "error" not in query and query.get("code"):
            return None
        error = query.get("error", Word.BAD_REQUEST)
        told = error if error in (Word.BAD_REQUEST, *ERRORS) else Word.OAUTH_PROVIDER_REFUSED
        return Response({"detail": told}, status=400)

    @extend_schema(exclude=True)
    def post(self, request: Request, provider: str) -> HttpResponseRedirect:
        """Apple posts what others send in the query. The cookie comes with a GET alone (SameSite=lax)."""
        data = request.data if isinstance(request.data, QueryDict) else QueryDict()
        query: dict[str, str] = {name: data[name][:5000] for name in ("code", "state", "error") if name in data}
        response = HttpResponseRedirect(f"{request.path}?{urlencode(query)}")
        response.status_code = 303
        return response


class CallbackView(Callback, CredentialView):
    kind = SessionKind.API

    @operation(
        _("Log in with the code of another provider"),
        id="oauth_callback_auth_provider_callback_get",
        tag=AUTH_TAG,
        success={200: BearerResponse},
        refusal="Callback",
        words=WORDS,
        refusals=(404, 429),
        challenges=True,
        unavailable=Word.OAUTH_PROVIDER_UNAVAILABLE,
        query=(PROVIDER, *BACK),
    )
    def get(self, request: Request, provider: str) -> Response:
        if refused := self.refused(provider):
            return refused
        return _spent(with_token(self.log_in(provider).tokens.access))

    def log_in(self, provider: str) -> LoggedIn:
        return log_in_with_provider(
            ask=lambda: self.ask(provider), kind=self.kind, lifetime=TOKEN_LIFETIME, context=self.client()
        )


class CookieCallbackView(CallbackView):
    kind = SessionKind.BROWSER
    schema = None

    def get(self, request: Request, provider: str) -> Response:
        if refused := self.refused(provider):
            return refused
        return _spent(with_cookie(self.log_in(provider).tokens.access, max_age=TOKEN_LIFETIME))


class AssociateAuthorizeView(Begin):
    @operation(
        _("Begin to connect another provider"),
        id="oauth_associate_authorize_auth_associate_provider_authorize_get",
        tag=AUTH_TAG,
        success={200: AuthorizationUrl},
        refusal="Authorize",
        words=(Word.OAUTH_PROVIDER_REFUSED,),
        refusals=(401, 403, 404),
        unavailable=Word.OAUTH_PROVIDER_UNAVAILABLE,
        query=BEGIN,
    )
    def get(self, request: Request, provider: str) -> Response:
        return self.begin(provider)


class AssociateCallbackView(Callback):
    @operation(
        _("Connect another provider by its code"),
        id="oauth_associate_callback_auth_associate_provider_callback_get",
        tag=AUTH_TAG,
        success={200: UserRead},
        refusal="Callback",
        words=WORDS,
        refusals=(401, 403, 404, 429),
        forbidden=(Word.REAUTHENTICATION_REQUIRED,),
        unavailable=Word.OAUTH_PROVIDER_UNAVAILABLE,
        query=(PROVIDER, *BACK),
    )
    def get(self, request: Request, provider: str) -> Response:
        if refused := self.refused(provider):
            return refused
        user = connect_provider(
            session=self.session,
            ask=lambda: self.ask(provider, user_id=self.session.user_id),
            context=self.client(),
        )
        return _spent(Response(UserRead(user).data))


def _spent(response: Response) -> Response:
    """Deletes the cookie of the state, so that the same state cannot lead to another login."""
    _set_cookie(response, "", max_age=timedelta(0))
    return response


def _set_cookie(response: Response, value: str, *, max_age: timedelta) -> None:
    response.set_cookie(
        COOKIE,
        value,
        max_age=max_age,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",  # type: ignore[arg-type]
    )
