"""The form of the log: LOG_FORMAT=json writes one object in each line, LOG_FORMAT=console lines for people."""

import logging
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

# Django attaches the request to its errors. Its text contains the query, and the query of links in mails contains keys.
UNTOLD = ["request"]


class JSONLines(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, *UNTOLD],
        )


class ConsoleLines(logging.Formatter):
    """Time, level, logger and message, then name=value for each further value of the line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s%(beside)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        known = {*RESERVED_ATTRS, *UNTOLD, "asctime", "message", "beside"}
        record.beside = "".join(f" {name}={value}" for name, value in vars(record).items() if name not in known)
        return super().formatMessage(record)


def logging_settings(*, level: str, format: str) -> dict[str, Any]:
    """Django's LOGGING. level: of all loggers, such as INFO. format: "json" or "console"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JSONLines}, "console": {"()": ConsoleLines}},
        "filters": {
            "request_id": {"()": "accounts.ops.requests.RequestIdFilter"},
            # A busy server answers 503 on purpose.
            "no_refusals": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: getattr(record, "status_code", 500) != 503,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": format, "filters": ["request_id"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            # The request log contains refused requests. Django's own lines would repeat them.
            "django.request": {"level": "ERROR", "filters": ["no_refusals"]},
            "django.security": {"level": "CRITICAL"},
            # This logger would write the id of each used passkey.
            "fido2": {"level": "WARNING"},
            # gunicorn's own lines. config/gunicorn.py sets their level. The root's handler replaces gunicorn's.
            "gunicorn.error": {"handlers": [], "propagate": True},
        },
    }
