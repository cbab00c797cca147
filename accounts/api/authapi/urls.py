from django.urls import include, path, re_path
from django.urls.converters import UUIDConverter

from accounts.api.authapi import (
    account_views,
    code_views,
    mfa_views,
    own_account_views,
    passkey_views,
    provider_views,
    views,
)
from accounts.api.authapi.schema import SchemaView

# Django tries the paths in this order, so the most frequent ones come first. Each works with and without a slash at its
# end, as in dj-rest-auth: a redirect would lose a POST's body.
operations = [
    re_path(r"^user/?$", account_views.UserDetailsView.as_view()),
    re_path(r"^token/verify/?$", views.TokenVerifyView.as_view()),
    re_path(r"^token/refresh/?$", views.TokenRefreshView.as_view()),
    re_path(r"^login/?$", views.LoginView.as_view()),
    re_path(r"^login/code/?$", code_views.LoginCodeView.as_view()),
    re_path(r"^login/code/confirm/?$", code_views.LoginCodeConfirmView.as_view()),
    re_path(r"^logout/?$", views.LogoutView.as_view()),
    re_path(r"^password/change/?$", views.PasswordChangeView.as_view()),
    re_path(r"^password/reset/?$", views.PasswordResetView.as_view()),
    re_path(r"^password/reset/confirm/?$", views.PasswordResetConfirmView.as_view()),
    re_path(r"^registration/?$", views.RegistrationView.as_view()),
    re_path(r"^registration/resend-email/?$", views.ResendEmailView.as_view()),
    re_path(r"^registration/verify-email/?$", views.VerifyEmailView.as_view()),
    re_path(r"^sessions/?$", account_views.SessionsView.as_view()),
    re_path(r"^sessions/end-others/?$", account_views.EndOtherSessionsView.as_view()),
    re_path(rf"^sessions/(?P<id>{UUIDConverter.regex})/?$", account_views.SessionView.as_view()),
    re_path(r"^mfa/verify/?$", mfa_views.MfaVerifyView.as_view()),
    re_path(r"^mfa/status/?$", mfa_views.MfaStatusView.as_view()),
    re_path(r"^mfa/totp/activate/?$", mfa_views.TotpActivateView.as_view()),
    re_path(r"^mfa/totp/deactivate/?$", mfa_views.TotpDeactivateView.as_view()),
    re_path(r"^mfa/recovery-codes/?$", mfa_views.RecoveryCodesView.as_view()),
    re_path(r"^mfa/recovery-codes/regenerate/?$", mfa_views.RecoveryCodesRegenerateView.as_view()),
    re_path(r"^passkeys/?$", passkey_views.PasskeysView.as_view()),
    re_path(r"^passkeys/register/begin/?$", passkey_views.PasskeyRegisterBeginView.as_view()),
    re_path(r"^passkeys/register/complete/?$", passkey_views.PasskeyRegisterCompleteView.as_view()),
    re_path(r"^passkeys/login/begin/?$", passkey_views.PasskeyLoginBeginView.as_view()),
    re_path(r"^passkeys/login/complete/?$", passkey_views.PasskeyLoginCompleteView.as_view()),
    re_path(rf"^passkeys/(?P<id>{UUIDConverter.regex})/?$", passkey_views.PasskeyView.as_view()),
    re_path(r"^reauthenticate/?$", mfa_views.ReauthenticateView.as_view()),
    re_path(r"^social/?$", provider_views.ProvidersView.as_view()),
    re_path(r"^social/(?P<provider>[a-z0-9_-]{1,32})/?$", provider_views.SocialLoginView.as_view()),
    re_path(r"^social/(?P<provider>[a-z0-9_-]{1,32})/connect/?$", provider_views.SocialConnectView.as_view()),
    re_path(r"^socialaccounts/?$", provider_views.SocialAccountsView.as_view()),
    re_path(r"^socialaccounts/(?P<id>[0-9]{1,9})/disconnect/?$", provider_views.SocialDisconnectView.as_view()),
    re_path(r"^email/change/?$", own_account_views.EmailChangeView.as_view()),
    re_path(r"^email/change/confirm/?$", own_account_views.EmailChangeConfirmView.as_view()),
    re_path(r"^account/?$", own_account_views.AccountView.as_view()),
    re_path(r"^account/export/?$", own_account_views.AccountExportView.as_view()),
    re_path(r"^events/?$", account_views.EventsView.as_view()),
]


class Document(SchemaView):
    """The document of this dialect alone."""

    patterns = [path("api/auth/", include(operations))]


urlpatterns = [*operations, re_path(r"^schema/?$", Document.as_view())]
