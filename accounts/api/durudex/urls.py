from django.urls import path, re_path

from accounts.api.durudex.schema import NEWER, OLDER
from accounts.api.durudex.views import GraphQLView, playground

urlpatterns = [
    path("", playground),
    # Both paths work with and without a slash at the end, because few GraphQL clients follow a redirect with their
    # body.
    re_path(r"^query/?$", GraphQLView.as_view(schema=NEWER)),
    re_path(r"^v1/query/?$", GraphQLView.as_view(schema=OLDER)),
]
