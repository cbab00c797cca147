"""Errors reach Sentry with their traceback and without a secret."""

import gzip
import json

import pytest

from tests import processes
from tests.config.collector import collector

pytestmark = pytest.mark.django_db(transaction=True)
# A program in place of the product: a request that fails because of a programming error.
FAILURE = """
import io
from wsgiref.util import setup_testing_defaults

import sentry_sdk
from django.db import connection

from config.wsgi import application

def fail(*args):
    secret = "canary-horse-9"
    raise RuntimeError("a mistake")

body = b'{"username": "alice", "password": "canary-horse-9"}'
environ = {
    "REQUEST_METHOD": "POST",
    "PATH_INFO": "/api/auth/login/",
    "QUERY_STRING": "key=canary-horse-9",
    "HTTP_HOST": "localhost",
    "HTTP_X_REQUEST_ID": "the-id",
    "HTTP_AUTHORIZATION": "Bearer canary-horse-9",
    "HTTP_USER_AGENT": "canary-horse-9",
    "REMOTE_ADDR": "192.0.2.1",
    "CONTENT_TYPE": "application/json",
    "CONTENT_LENGTH": str(len(body)),
    "wsgi.input": io.BytesIO(body),
}
setup_testing_defaults(environ)
with connection.execute_wrapper(fail):
    answer = application(environ, lambda status, headers: None)
    list(answer)
    answer.close()
sentry_sdk.flush()
"""


def test_a_failure_is_reported() -> None:
    with collector() as (address, bodies):
        with processes.manage("shell", "-c", FAILURE, SENTRY_DSN=f"http://public@{address}/1") as process:
            code, said = processes.finish(process)
        assert code == 0, said
    (report,) = [gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body for body in bodies]
    event = json.loads(report.splitlines()[2])
    assert event["exception"]["values"][-1]["value"] == "a mistake"
    assert event["request"] == {"method": "POST", "url": "http://localhost/api/auth/login/"}
    # The report contains it as text of the program, but not as the value of a variable.
    assert report.count(b"canary-horse-9") == report.count(b'secret = \\"canary-horse-9\\"')
    assert event["tags"]["request_id"] == "the-id"
    assert b"192.0.2.1" not in report
