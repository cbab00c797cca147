from django.urls import include, path

urlpatterns = [path("api/auth/", include("dj_rest_auth.urls"))]
