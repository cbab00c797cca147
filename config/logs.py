"""How the log is written: LOG_FORMAT=json, one object a line, or LOG_FORMAT=console, a line for people."""

import logging
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

# Django hands the request over with its errors. Its text has the query, and links in mails carry keys there.
UNTOLD = ["request"]


class JSONLines(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, *UNTOLD],
        )


class ConsoleLines(logging.Formatter):
    """Time, level, logger and message, and then name=value of what the line says beside."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s%(beside)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        known = {*RESERVED_ATTRS, *UNTOLD, "asctime", "message", "beside"}
        record.beside = "".join(f" {name}={value}" for name, value in vars(record).items() if name not in known)
        return super().formatMessage(record)


def logging_settings(*, level: str, format: str) -> dict[str, Any]:
    """Django's LOGGING. level: of everything, such as INFO. format: "json" or "console"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JSONLines}, "console": {"()": ConsoleLines}},
        "filters": {
            "request_id": {"()": "accounts.ops.requests.RequestIdFilter"},
            # A busy server says 503 on purpose.
            "no_refusals": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: getattr(record, "status_code", 500) != 503,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": format, "filters": ["request_id"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            # Refused requests are in the request log; Django's own line for each would repeat them.
            "django.request": {"level": "ERROR", "filters": ["no_refusals"]},
            "django.security": {"level": "CRITICAL"},
            # It would write a line with its id for each passkey that is used.
            "fido2": {"level": "WARNING"},
            # gunicorn's own lines; their level is in config/gunicorn.py. Its own handler is taken away, for the root's.
            "gunicorn.error": {"handlers": [], "propagate": True},
        },
    }
