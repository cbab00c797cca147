"""gunicorn's own settings. config.settings reads HOST, PORT and WEB_CONCURRENCY."""

# This comes before all other imports, so that their waiting does not block other requests. gunicorn does the same in
# each worker, but that is too late for modules that are loaded before.
from gevent import monkey

monkey.patch_all()

import gc
import os
import resource
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

from config import worker_metrics

if os.environ.get("METRICS_TOKEN"):
    worker_metrics.prepare()
    pre_fork, post_fork = worker_metrics.give_place, worker_metrics.take_place
    child_exit, on_exit = worker_metrics.leave_place, worker_metrics.clean_up

from accounts.core import worker as this_worker
from config.postgresql.serving import serve_requests
from config.worker import ServerLog, Worker, hash_threads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if settings.DATABASES["default"]["ENGINE"] == "config.postgresql":
    serve_requests(settings.DATABASES["default"], settings.DATABASE_POOL)
    # Each request gives its connection back to the pool, and without DEBUG no list of statements is kept. So Django has
    # nothing to close or to empty when the next request begins.
    request_started.disconnect(close_old_connections)
    request_started.disconnect(reset_queries)

bind = f"{'[' + settings.HOST + ']' if ':' in settings.HOST else settings.HOST}:{settings.PORT}"
workers = settings.WEB_CONCURRENCY
worker_class = Worker
# How many connections a worker accepts at once. Silent or slow clients cost little more than a socket.
worker_connections = 4000
preload_app = True
timeout = 60
graceful_timeout = 20
# Seconds for which a connection may be idle, and within which a request's head must arrive.
keepalive = 10
max_requests = 50000
max_requests_jitter = 5000
# The longest text in a request line is the token of a link.
limit_request_line = 4094
# No header of a client becomes a part of the environment, such as SCRIPT_NAME.
forwarder_headers = ""
loglevel = "warning"
logger_class = ServerLog
# Sets up the log now, because Django does that only later: so all of gunicorn's lines look like the others.
logconfig_dict = settings.LOGGING
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    this_worker.run_apart = hash_threads()
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from config import tracing

        tracing.export()


def on_starting(server: Any) -> None:
    # Each client needs a file descriptor. Most systems' soft limit of 1,024 is for programs with select().
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = worker_connections * 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted if hard < 0 else min(wanted, hard)), hard))


def when_ready(server: Any) -> None:
    # Loads all views now. Django would load them with the first request of each worker.
    import_module(settings.ROOT_URLCONF)
    # Objects from before the fork stay for ever, so garbage collections can skip them, and the workers keep sharing
    # their memory. Requests leave few cycles, so collections may be rarer.
    gc.freeze()
    gc.set_threshold(10_000)
    print(
        f"Serving at {settings.PUBLIC_URL}\n"
        f"  API documents   {settings.PUBLIC_URL}/api/docs/ and {settings.PUBLIC_URL}/api/redoc/\n"
        f"  admin           {settings.PUBLIC_URL}/admin/ (make an administrator with: manage.py createsuperuser)\n"
        f"  mail            {mail_goes_to()}",
        flush=True,
    )


def mail_goes_to() -> str:
    path = getattr(settings, "EMAIL_FILE_PATH", "")
    return f"files in {path}" if path else f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
