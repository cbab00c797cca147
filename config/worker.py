"""gunicorn's gevent worker: one thread serves all clients, and switches to another client whenever one has to wait.

The long computation, hashing a password, has threads of its own with a lower priority. The interpreter is free
meanwhile.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import gevent
from django.conf import settings
from django.db import connections
from gevent.threadpool import ThreadPool
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.util import close_graceful
from gunicorn.workers.ggevent import GeventWorker

from accounts.core import worker
from accounts.core.worker import RunApart, T
from config.bodies import PIECE

# Seconds after which a client is given up that does not read its answer or go on with its body.
CLIENT_SECONDS = 30
# The most bytes of a refused body that are read and ignored.
READ_OVER = 65_536
READ_OVER_SECONDS = 1
# How long a stopping worker still accepts connections: a proxy that asks /readyz every second has noticed it then.
DRAIN_SECONDS = 2
# The priority of hashing, lower than that of the rest (see nice(2)): a login waits for a free core, a token check does
# not.
HASH_NICENESS = 10


class ServerLog(Logger):
    """gunicorn's own lines. accounts.ops.requests already writes the line of each request."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Does nothing: with a log configured by a dict, gunicorn would build a line and throw it away."""


class Worker(GeventWorker):
    def handle_exit(self, sig: Any, frame: Any) -> None:
        worker.is_stopping = True
        # Connections that wait when the worker closes its port would otherwise be closed without an answer.
        gevent.spawn_later(DRAIN_SECONDS if settings.TRUSTED_PROXY_COUNT else 0, super().handle_exit, sig, frame)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        try:
            super().handle(listener, client, addr)
        finally:
            # Connections that the client's requests opened are not left to the garbage collector.
            connections.close_all()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        sock.settimeout(CLIENT_SECONDS)
        try:
            super().handle_request(listener_name, req, sock, addr)
        except TimeoutError:
            # The client does not read its answer. gunicorn would log that as its own error.
            raise StopIteration from None
        if not _is_read_over(req.body, sock):
            # The connection ends as soon as the client has the answer. The exception tells gunicorn that.
            close_graceful(sock, max_drain=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            raise StopIteration
        # `keepalive` limits the time until the next request.
        sock.settimeout(None)


def _is_read_over(body: Any, sock: Any) -> bool:
    """Reads and ignores the rest of a refused body, if it is short and comes soon."""
    sock.settimeout(READ_OVER_SECONDS)
    try:
        return not all(body.read(PIECE) for _ in range(READ_OVER // PIECE))
    except (OSError, ParseException):
        return False


def hash_threads() -> RunApart:
    """Runs a call in one of two threads: one for our hashes, one for those of other systems (services/passwords.py)."""
    pool = ThreadPool(2)
    return lambda call, args: pool.apply(_at_low_priority, (call, args))


def _at_low_priority(call: Callable[..., T], args: tuple[Any, ...]) -> T:
    thread = threading.get_native_id()
    # A server that was started with a lower priority may not raise it.
    niceness = max(HASH_NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
    os.setpriority(os.PRIO_PROCESS, thread, niceness)
    return call(*args)
