from django.conf import settings
from django.urls import path, re_path
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2

from accounts.api.common.documents import DocumentView
from accounts.api.fastapi_users import oauth_views, user_views, views

operations = [
    path("auth/register", views.RegisterView.as_view()),
    path("auth/jwt/login", views.LoginView.as_view()),
    path("auth/jwt/logout", views.LogoutView.as_view()),
    path("auth/cookie/login", views.CookieLoginView.as_view()),
    path("auth/cookie/logout", views.CookieLogoutView.as_view()),
    path("auth/jwt/mfa", views.MfaView.as_view()),
    path("auth/cookie/mfa", views.CookieMfaView.as_view()),
    path("auth/forgot-password", views.ForgotPasswordView.as_view()),
    path("auth/reset-password", views.ResetPasswordView.as_view()),
    path("auth/request-verify-token", views.RequestVerifyTokenView.as_view()),
    path("auth/verify", views.VerifyView.as_view()),
    path("auth/associate/<str:provider>/authorize", oauth_views.AssociateAuthorizeView.as_view()),
    path("auth/associate/<str:provider>/callback", oauth_views.AssociateCallbackView.as_view()),
    path("auth/cookie/<str:provider>/authorize", oauth_views.CookieAuthorizeView.as_view()),
    path("auth/cookie/<str:provider>/callback", oauth_views.CookieCallbackView.as_view()),
    path("auth/<str:provider>/authorize", oauth_views.AuthorizeView.as_view()),
    path("auth/<str:provider>/callback", oauth_views.CallbackView.as_view()),
    path("users/me", user_views.MeView.as_view()),
    path("users/<str:id>", user_views.UserView.as_view()),
]


class Document(DocumentView):
    """The document of only this dialect, at the path where clients of FastAPI look for it."""

    # FastAPI's own document is application/json.
    renderer_classes = (OpenApiJsonRenderer2, OpenApiJsonRenderer)
    patterns = operations
    custom_settings = {"POSTPROCESSING_HOOKS": settings.DOCUMENT_HOOKS}


urlpatterns = [
    *operations,
    path("openapi.json", Document.as_view()),
    re_path(r"^(?:(?:auth|users)(?:/|$)|openapi\.json/)", views.UnknownPathView.as_view()),
]
