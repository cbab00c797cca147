from django.urls import path, re_path

from accounts.web import login, views

urlpatterns = [
    path("", views.front, name="front"),
    re_path(r"^verify-email/?$", views.verify, name="verify-email"),
    re_path(r"^verify-email/again/?$", views.verify_again, name="verify-email-again"),
    re_path(r"^reset-password/?$", views.reset, name="reset-password"),
    re_path(r"^reset-password/again/?$", views.reset_again, name="reset-password-again"),
    re_path(r"^not-registered/?$", views.not_registered, name="not-registered"),
    re_path(r"^passkeys/?$", views.passkeys, name="passkeys"),
    re_path(r"^export/?$", views.export, name="export"),
    re_path(r"^keep-account/?$", views.keep_account, name="keep-account"),
    re_path(r"^login/?$", login.login, name="login"),
    re_path(r"^login/passkey/?$", login.with_passkey, name="login-passkey"),
    re_path(r"^login/code/?$", login.with_code, name="login-code"),
    re_path(r"^login/second-factor/?$", login.second_factor, name="login-second-factor"),
    re_path(r"^login/out/?$", login.log_out, name="login-out"),
    path("login/provider/<slug:provider>", login.with_provider, name="login-provider"),
    path("login/provider/<slug:provider>/callback", login.from_provider, name="login-from-provider"),
    re_path(r"^not-me/?$", views.not_me, name="not-me"),
]
