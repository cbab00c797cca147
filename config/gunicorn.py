"""gunicorn's own settings; HOST, PORT and WEB_CONCURRENCY are read by config.settings."""

import gc
import os
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import ThreadWorker

from config.threads import RequestThreads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

bind = f"{'[' + settings.HOST + ']' if ':' in settings.HOST else settings.HOST}:{settings.PORT}"
workers = settings.WEB_CONCURRENCY
# How many requests a worker runs at once. More take the interpreter from one another.
threads = 4
preload_app = True
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 50000
max_requests_jitter = 5000
# A request line holds a link's token at most.
limit_request_line = 4094
accesslog = None
loglevel = "warning"
# gunicorn's own lines look like all others, from the first on: Django sets up the log only when it is loaded.
logconfig_dict = settings.LOGGING
control_socket_disable = True


class Worker(ThreadWorker):
    def get_thread_pool(self) -> RequestThreads:
        # Each thread keeps a connection to the database: `most` is what one worker may take from it. Passwords that
        # wait for their hash hold a thread each, and as many as may run stay for everybody else.
        return RequestThreads(running=self.cfg.threads, most=settings.HASH_QUEUE + 1 + self.cfg.threads)


worker_class = Worker


def when_ready(server: Any) -> None:
    # What was loaded before the workers are forked stays for good: no collection needs to look at it, and the workers
    # go on sharing its memory. Requests leave few cycles behind, so that collections may be rarer.
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
