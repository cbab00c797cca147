from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

from accounts.api.authapi.schema import SchemaView
from accounts.api.common.jwks import jwks

urlpatterns = [
    path("api/auth/", include("accounts.api.authapi.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema")),
    path("api/redoc/", SpectacularRedocView.as_view(url_name="schema", template_name="docs/redoc.html")),
    path("graph/", include("accounts.api.durudex.urls")),
    path(".well-known/jwks.json", jwks),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
]

handler400 = "accounts.api.common.fallback.bad_request"
handler403 = "accounts.api.common.fallback.permission_denied"
handler404 = "accounts.api.common.fallback.not_found"
handler500 = "accounts.api.common.fallback.server_error"
