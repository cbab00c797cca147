import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.services import pauses

# Seconds that a refused client waits for its refusal, and how many such clients a worker keeps waiting at once.
HELD_SECONDS = 0.5
MOST_HELD = 256


class RefusalMiddleware:
    """Sends a refusal with Retry-After, 429 or 503, only after HELD_SECONDS.

    A client that asks again at once, as one that guesses passwords does, then costs the others little. The wait needs
    neither a connection to the database nor, in the server, a thread. Beyond MOST_HELD clients it is left out.
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
