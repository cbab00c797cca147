from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from accounts.admin import overview
from accounts.admin.checkup import checkup
from accounts.admin.configuration import configuration
from accounts.admin.factors import ChallengeView, own_factor
from accounts.admin.login import LoginView, PasswordChangeView, log_out_of_admin
from accounts.admin.proof import prove
from accounts.api.authapi.schema import SchemaView
from accounts.api.durudex.views import playground
from accounts.web.docs import RedocView, SwaggerView
from accounts.web.well_known import jwks, passkey_origins

urlpatterns = [
    path("api/auth/", include("accounts.api.authapi.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/schema", SchemaView.as_view()),
    re_path(r"^api/docs/?$", SwaggerView.as_view()),
    re_path(r"^api/redoc/?$", RedocView.as_view()),
    path("graph", playground),
    path("graph/", include("accounts.api.durudex.urls")),
    path(".well-known/jwks.json", jwks),
    path(".well-known/webauthn", passkey_origins),
    path("", include("accounts.web.urls")),
    path("favicon.ico", RedirectView.as_view(url="/static/accounts/icon.svg")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/login/", LoginView.as_view()),
    path("admin/login/second-factor/", ChallengeView.as_view(), name="admin_second_factor"),
    path("admin/second-factor/", own_factor, name="admin_own_factor"),
    path("admin/logout/", log_out_of_admin),
    path("admin/password_change/", admin.site.admin_view(PasswordChangeView.as_view())),
    path("admin/proof/", admin.site.admin_view(prove), name="admin_proof"),
    path("admin/configuration/", admin.site.admin_view(configuration), name="admin_configuration"),
    path("admin/checkup/", admin.site.admin_view(checkup), name="admin_checkup"),
    # This page comes before Django's own first page, which it calls.
    path("admin/", admin.site.admin_view(overview.index)),
    path("admin/", admin.site.urls),
    path("", include("accounts.api.fastapi_users.urls")),
]

handler400 = "accounts.web.fallback.bad_request"
handler403 = "accounts.web.fallback.permission_denied"
handler404 = "accounts.web.fallback.not_found"
handler500 = "accounts.web.fallback.server_error"
