"""Documents for developers: made once in each language and format, and kept by their readers for some minutes."""

from functools import lru_cache
from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, override
from django.views.decorators.http import conditional_page
from drf_spectacular.settings import patched_settings, spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.core.conf import conf

MAX_AGE = 300
MEDIA = ("json", "form")
JSON = "application/json"
# drf-spectacular changes its settings while it makes a document: two at a time would get each other's.
making = Lock()


class Kept:
    """A view whose answers may be kept by anybody, with an ETag by which they ask whether theirs is still good."""

    http_method_names = ["get", "head"]

    @method_decorator(conditional_page)
    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(*args, **kwargs)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().finalize_response(*args, **kwargs)
        if response.status_code == 200:
            patch_cache_control(response, public=True, max_age=MAX_AGE)
        return response


class LenientNegotiation(DefaultContentNegotiation):
    """Who accepts none of the formats gets the first one, as RFC 9110 §12.5.1 allows, and not 406."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


class DocumentView(Kept, SpectacularAPIView):
    """An OpenAPI document. `?lang=` asks for one of the languages, `?media=` for an order of media types.

    Nothing else in the query changes it. JSON comes first in each body, because generators of SDKs take the first one;
    `?media=json` leaves the others out where there is JSON, and `?media=form` has them as AuthApi.md lists them
    (contract, AuthApi).
    """

    # None: the language of the request.
    default_language: str | None = None
    content_negotiation_class = LenientNegotiation

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        asked = request.GET.get("lang")
        languages = dict(settings.LANGUAGES)
        language = asked if asked in languages else self.default_language or get_language() or settings.LANGUAGE_CODE
        media = request.GET.get("media", "")
        view: Any = type(self)
        renderer: Any = type(request.accepted_renderer)
        with making:
            body = _document(view, language, media if media in MEDIA else "", renderer, conf.verification_is_mandatory)
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        name = f"{spectacular_settings.TITLE}.{renderer.format}"
        headers = {"Content-Language": language, "Content-Disposition": f'inline; filename="{name}"'}
        return HttpResponse(body, content_type=renderer.media_type + charset, headers=headers)


# Three documents, three languages, three orders, four renderers; what a document says of itself follows one setting.
@lru_cache(maxsize=108)
def _document(
    view: type[DocumentView], language: str, media: str, renderer: type[Any], verification_is_mandatory: bool
) -> bytes:
    with patched_settings(view.custom_settings), override(language):
        document = view.generator_class(patterns=view.patterns).get_schema(request=None, public=True)
        if media != "form":
            _put_json_first(document, alone=media == "json")
        rendered: bytes = renderer().render(document, renderer_context={})
    return rendered


def _put_json_first(document: dict[str, Any], *, alone: bool) -> None:
    """Lists JSON as the first, or the only, media type of each body that has it."""
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {})
            if JSON in body.get("content", {}):
                others = {} if alone else {type: it for type, it in body["content"].items() if type != JSON}
                body["content"] = {JSON: body["content"][JSON], **others}
