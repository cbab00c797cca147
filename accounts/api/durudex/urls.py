from django.urls import path

from accounts.api.durudex.schema import NEWER, OLDER
from accounts.api.durudex.views import GraphQLView, playground

urlpatterns = [
    path("", playground),
    path("query", GraphQLView.as_view(schema=NEWER)),
    path("v1/query", GraphQLView.as_view(schema=OLDER)),
]
