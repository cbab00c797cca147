import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.services import pauses

# How many seconds a client waits for its refusal, and how many clients of a worker may wait at once.
HELD_SECONDS = 0.5
MOST_HELD = 256


class RefusalMiddleware:
    """Delays a refusal with Retry-After (429 or 503) by HELD_SECONDS.

    So a client that repeats its requests at once, for example to guess passwords, costs others little. The wait needs
    no database connection and, in the server, no thread. Beyond MOST_HELD clients there is no delay.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._places = threading.BoundedSemaphore(MOST_HELD)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.has_header("Retry-After") and self._places.acquire(blocking=False):
            try:
                pauses.pause(HELD_SECONDS)
            finally:
                self._places.release()
        return response
