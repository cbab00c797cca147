"""Servers of tests that run in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from threading import Thread

# How often a server looks whether its block has ended. With the library's own 0.5 s, tests would mostly wait for it.
SECONDS = 0.01


@contextmanager
def in_thread(server: BaseServer) -> Iterator[None]:
    """Lets `server` answer while the block runs, and closes it."""
    thread = Thread(target=server.serve_forever, args=(SECONDS,), daemon=True)
    with server:
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
