"""gunicorn's gevent worker: one thread serves all clients, and goes on with another whenever one has to wait.

What computes for long, the hash of a password, has a thread of its own with a lower priority. The interpreter is free
meanwhile.
"""

import os
import threading
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
from config.bodies import PIECE

# A client that takes longer to read its answer, or to go on with its body, is given up.
CLIENT_SECONDS = 30
# The most that is read over of a body that was refused.
READ_OVER = 65_536
READ_OVER_SECONDS = 1
# For so long a worker that was told to stop takes connections: a proxy that asks /readyz every second has seen it then.
DRAIN_SECONDS = 2
# Steps below what answers requests (see nice(2)): a login waits for a free core, a token check does not.
HASH_NICENESS = 10


class ServerLog(Logger):
    """gunicorn's own lines. Each request has its line from accounts.ops.requests already."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Nothing: where the log is configured by a dict, gunicorn would put a line together and throw it away."""


class Worker(GeventWorker):
    def handle_exit(self, sig: Any, frame: Any) -> None:
        worker.is_stopping = True
        # What has connected when the worker closes its port, and was not taken yet, would be hung up on.
        gevent.spawn_later(DRAIN_SECONDS if settings.TRUSTED_PROXY_COUNT else 0, super().handle_exit, sig, frame)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        try:
            super().handle(listener, client, addr)
        finally:
            # What the client's requests opened is not left to the garbage collector.
            connections.close_all()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        sock.settimeout(CLIENT_SECONDS)
        try:
            super().handle_request(listener_name, req, sock, addr)
        except TimeoutError:
            # The client does not read its answer. gunicorn would log that as an error of its own.
            raise StopIteration from None
        if not _is_read_over(req.body, sock):
            # Ends the connection as soon as the client has the answer; the exception says so to gunicorn.
            close_graceful(sock, max_drain=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            raise StopIteration
        # How long the next request may take to come is up to `keepalive`.
        sock.settimeout(None)


def _is_read_over(body: Any, sock: Any) -> bool:
    """Reads over what a client still sends of a body that was refused, if it is little and comes soon."""
    sock.settimeout(READ_OVER_SECONDS)
    try:
        return not all(body.read(PIECE) for _ in range(READ_OVER // PIECE))
    except (OSError, ParseException):
        return False


def hash_thread() -> ThreadPool:
    pool = ThreadPool(1)
    pool.spawn(lambda: os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASH_NICENESS))
    return pool
