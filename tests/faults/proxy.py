"""HAProxy before several instances of the product, as docs/operations.md shows it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.faults.product import Part, Web
from tests.servers import free_port

# Debian puts it where only root looks.
HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
# How often each instance is asked whether it is ready.
CHECKED_EVERY = 0.2
DEFAULTS = """
defaults
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check 2s
    # An instance that takes no connection has not begun anything: the request goes to the other one.
    retries 3
    option redispatch 1
"""


def frontend(port: int, webs: Sequence[Web]) -> str:
    servers = "\n".join(f"    server web{n} 127.0.0.1:{web.port}" for n, web in enumerate(webs))
    return f"""
listen accounts
    mode http
    bind 127.0.0.1:{port}
    option forwardfor
    option httpchk GET /readyz
    # 404 is the answer of a release that had no such page.
    http-check expect rstatus (200|404)
    # An instance that is told to stop waits for idle connections.
    default-server check inter {CHECKED_EVERY * 1000:.0f}ms fall 1 rise 1 pool-purge-delay 500ms
{servers}
"""


def proxy(folder: Path, webs: Sequence[Web], more: str = "") -> tuple[int, Part]:
    """The port of the proxy, which is yet to be started. more: what else it passes on."""
    port = free_port()
    settings = folder / "haproxy.cfg"
    settings.write_text(DEFAULTS + frontend(port, webs) + more)
    return port, Part(HAPROXY, "-db", "-q", "-f", settings, log=folder / "haproxy.log")
