"""Reports errors to the Sentry of SENTRY_DSN: a traceback and the request's id, path and method."""

import logging
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from accounts.ops.requests import current_id
from config.logs import UNTOLD


def start(dsn: str) -> None:
    sentry_sdk.init(
        dsn=dsn,
        # The value of a variable may be a password.
        include_local_variables=False,
        include_source_context=True,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=_leave_out_what_is_secret,
        # Errors of GraphQL are reported through the log. Other integrations would patch installed libraries.
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(), LoggingIntegration(level=None, event_level=logging.ERROR)],
    )


def _leave_out_what_is_secret(event: Any, hint: dict[str, Any]) -> Any:
    """The query of links in mails contains keys; headers contain tokens and IP addresses."""
    request = event.get("request", {})
    event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    event.pop("user", None)
    event["tags"] = {**event.get("tags", {}), "request_id": current_id.get()}
    event["extra"] = {
        name: value for name, value in event.get("extra", {}).items() if name not in (*UNTOLD, "sys.argv")
    }
    return event
