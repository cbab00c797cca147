"""GraphQL over HTTP: one JSON object in, one out.

A request that cannot be read gets 400; every other request gets 200. A client that asks for
`application/graphql-response+json` also gets 400 for a wrong document or wrong variables.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.shortcuts import render as render_page
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import conditional_page, require_safe
from rest_framework.exceptions import APIException
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from accounts.api.common.bodies import check_length
from accounts.api.common.documents import MAX_AGE
from accounts.api.durudex.context import GraphQLContext
from accounts.api.durudex.errors import refusal, render, retry_after
from accounts.api.durudex.query_limits import LONGEST_QUERY, MOST_VALUES, holds_too_many, holds_unclean_text
from accounts.api.durudex.schema import NEWER, Schema

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
# The exact message after which the clients of Apollo and urql send the query itself.
PERSISTED_QUERY_NOT_FOUND = "PersistedQueryNotFound"

WITH_GET = {OperationType.QUERY}
WITH_POST = {OperationType.QUERY, OperationType.MUTATION}

# GraphiQL sets styles from its script. Everything else comes from our own files.
PLAYGROUND_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Malformed(Exception):
    """The request is no GraphQL request. The text is for the client."""


class NoSuchQuery(Exception):
    """The request names a query only by its hash. No queries are stored here."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    query: str
    variables: dict[str, Any] | None
    name: str | None


# No cookie authenticates requests here.
@method_decorator(csrf_exempt, name="dispatch")
class GraphQLView(View):
    http_method_names = ["get", "post"]
    schema: Schema = NEWER

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request, WITH_GET)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request, WITH_POST)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _refuse(request, _("Use POST."))

    def answer(self, request: HttpRequest, allowed: set[OperationType]) -> HttpResponse:
        try:
            operation = _operation(_parameters(request))
            result = self.schema.execute_sync(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.name,
                context_value=GraphQLContext(request=request, operation_name=operation.name),
                allowed_operation_types=allowed,
            )
        except Malformed as error:
            return _refuse(request, str(error))
        except NoSuchQuery:
            return _refuse(request, PERSISTED_QUERY_NOT_FOUND, status=200)
        except CannotGetOperationTypeError:
            reason = _("The request does not say which operation to run.")
            return _refuse(request, reason, status=_nothing_ran(request))
        except InvalidOperationTypeError:
            return _refuse(request, _("This operation needs POST."))
        errors = result.errors or []
        answer: dict[str, Any] = {"errors": [render(error) for error in errors]} if errors else {}
        if result.data is None and not any(error.path for error in errors):
            return _respond(request, answer, status=_nothing_ran(request))
        return _respond(request, {"data": result.data, **answer}, status=200, headers=retry_after(errors))


@require_safe
@conditional_page
@cache_control(public=True, max_age=MAX_AGE)
def playground(request: HttpRequest) -> HttpResponse:
    """GraphiQL for both endpoints. It reads their schemas by introspection."""
    response = render_page(request, "docs/graphiql.html")
    response.headers["Content-Security-Policy"] = PLAYGROUND_POLICY
    return response


def _parameters(request: HttpRequest) -> Any:
    """The GraphQL parameters of the query string or of the body."""
    try:
        if request.method == "GET":
            parameters: dict[str, Any] = request.GET.dict()
            maps = {name: json.loads(parameters.get(name) or "null") for name in ("variables", "extensions")}
            return parameters | maps
        check_length(request)
        if request.content_type != "application/json":
            raise Malformed(_("The body must be application/json."))
        return json.loads(request.body.decode())
    except APIException as error:
        raise Malformed(str(error.detail)) from None
    except (ValueError, RecursionError, SuspiciousOperation, UnreadablePostError):
        raise Malformed(_("The request cannot be read.")) from None


def _operation(parameters: Any) -> Operation:
    """Raises Malformed for anything but one operation, and NoSuchQuery for the hash of a query."""
    if not isinstance(parameters, dict):
        raise Malformed(_("A request holds one operation, as a JSON object."))
    query, variables, name = (parameters.get(key) for key in ("query", "variables", "operationName"))
    extensions = parameters.get("extensions")
    if not isinstance(extensions, dict | None):
        raise Malformed(_("The extensions are a JSON object."))
    if not query and extensions and extensions.get("persistedQuery"):
        raise NoSuchQuery
    if not isinstance(query, str) or not query.strip():
        raise Malformed(_("The request holds no query."))
    if len(query) > LONGEST_QUERY:
        raise Malformed(_("A query may have at most %(most)d characters.") % {"most": LONGEST_QUERY})
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise Malformed(_("The variables are a JSON object, and the operation's name is a text."))
    if holds_too_many(variables):
        raise Malformed(_("The variables may hold at most %(most)d values.") % {"most": MOST_VALUES})
    if holds_unclean_text([query, variables, name]):
        raise Malformed(_("The request holds characters that no text has."))
    return Operation(query=query, variables=variables, name=name or None)


def _media_type(request: HttpRequest) -> str:
    # If both types are equally accepted, as with `*/*`, the older one is sent. Some clients name the charset.
    offered = {name + charset: name for name in (JSON, GRAPHQL_JSON) for charset in ("", "; charset=utf-8")}
    return offered.get(request.get_preferred_type(list(offered)) or "", JSON)


def _nothing_ran(request: HttpRequest) -> int:
    """The status for a readable request with a wrong document or wrong variables."""
    return 400 if _media_type(request) == GRAPHQL_JSON else 200


def _refuse(request: HttpRequest, message: str, *, status: int = 400) -> JsonResponse:
    return _respond(request, {"errors": [refusal(message)]}, status=status)


def _respond(
    request: HttpRequest, answer: dict[str, Any], *, status: int, headers: Mapping[str, str] = {}
) -> JsonResponse:
    media_type = _media_type(request)
    content_type = media_type if media_type == JSON else f"{media_type}; charset=utf-8"
    headers = {"Cache-Control": "no-store", **headers}
    return JsonResponse(answer, status=status, headers=headers, content_type=content_type)
