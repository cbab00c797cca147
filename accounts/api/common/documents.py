"""Documents for developers. They are made once in each language and format, and clients cache them for some minutes."""

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
from drf_spectacular.utils import OpenApiParameter, extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.core.conf import conf

MAX_AGE = 300
MEDIA = ("json", "form")
JSON = "application/json"
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    int,
    OpenApiParameter.HEADER,
    description="After how many seconds the same may be asked again.",
    required=True,
    response=[429, 503],
)
# Marks schemas that component() made, until name_components() has processed them.
_NAME = "x-component"
# drf-spectacular changes its settings while it makes a document, so two at a time would disturb each other.
making = Lock()


class Kept:
    """A view whose answers anybody may cache, with an ETag for revalidation."""

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
    """A client that accepts none of the formats gets the first one and not 406, as RFC 9110 §12.5.1 allows."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


class DocumentView(Kept, SpectacularAPIView):
    """An OpenAPI document. `?lang=` asks for one of the languages, `?media=` for an order of media types.

    Nothing else in the query changes the document. JSON comes first in each body, because generators of SDKs take the
    first type. `?media=json` leaves out the other types if there is JSON. `?media=form` is the contract's document,
    from which AuthApi.md is made: forms come first, there is no server, and operations that need no login may show one.
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
            body = _document(
                view,
                language,
                media if media in MEDIA else "",
                renderer,
                conf.public_url,
                conf.verification_is_mandatory,
            )
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        name = f"{spectacular_settings.TITLE}.{renderer.format}"
        headers = {"Content-Language": language, "Content-Disposition": f'inline; filename="{name}"'}
        return HttpResponse(body, content_type=renderer.media_type + charset, headers=headers)


# Three documents, three languages, three orders and four renderers. Two settings also change a document.
@lru_cache(maxsize=108)
def _document(
    view: type[DocumentView],
    language: str,
    media: str,
    renderer: type[Any],
    public_url: str,
    verification_is_mandatory: bool,
) -> bytes:
    with patched_settings(view.custom_settings), override(language):
        document = view.generator_class(patterns=view.patterns).get_schema(request=None, public=True)
        if media == "form":
            _leave_headers_out(document)
        else:
            document["servers"] = [{"url": public_url}]
            _drop_directions(document)
            for operations in document["paths"].values():
                for operation in operations.values():
                    _put_json_first(operation, alone=media == "json")
                    _say_whether_it_is_public(operation)
        rendered: bytes = renderer().render(document, renderer_context={})
    return rendered


def _leave_headers_out(document: dict[str, Any]) -> None:
    """AuthApi.md knows no header of a request."""
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [each for each in operation.get("parameters", []) if each["in"] != "header"]


def _drop_directions(document: dict[str, Any]) -> None:
    """Removes the marks that make fields optional in generated code. Requests and answers have separate components."""
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            field.pop("readOnly", None)
            field.pop("writeOnly", None)


def _put_json_first(operation: dict[str, Any], *, alone: bool) -> None:
    """Puts JSON first, or leaves only JSON, in a body that has it."""
    body = operation.get("requestBody", {})
    if JSON in body.get("content", {}):
        others = {} if alone else {type: it for type, it in body["content"].items() if type != JSON}
        body["content"] = {JSON: body["content"][JSON], **others}


def _say_whether_it_is_public(operation: dict[str, Any]) -> None:
    """Lists no security scheme for operations that need none, so that no SDK sends a token that is not read."""
    schemes = operation.get("security", [])
    operation["security"] = [] if {} in schemes else schemes


def component(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Puts a schema among the components of a document under this name, and a reference in its place.

    Otherwise generators of SDKs name the schema after the path, the status and a number.
    """
    return {_NAME: name, **schema}


def name_components(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's hook for component()."""
    schemas = result["components"]["schemas"]

    def lift(value: Any) -> Any:
        if isinstance(value, list):
            return [lift(each) for each in value]
        if not isinstance(value, dict):
            return value
        lifted = {key: lift(each) for key, each in value.items() if key != _NAME}
        if _NAME not in value:
            return lifted
        name = value[_NAME]
        if schemas.setdefault(name, lifted) != lifted:
            raise ValueError(f"Two components are called {name}.")
        return {"$ref": f"#/components/schemas/{name}"}

    result["paths"] = lift(result["paths"])
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result
