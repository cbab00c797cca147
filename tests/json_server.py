"""An HTTP server of the tests that answers JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.threads import in_thread


@contextmanager
def serving(answer: Callable[[str, dict[str, str]], tuple[int, Any]]) -> Iterator[int]:
    """Serves in a thread, and answers the port.

    answer: takes the path with its query, and the fields of a posted form. It answers the status and what is sent as
    JSON; with the status 302, the latter is the address to go to.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            status, told = answer(self.path, form)
            body = json.dumps(told).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", told)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_thread(server):
        yield server.server_port
