"""HAProxy with deploy/haproxy.cfg, at the addresses of a test."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.product import Part, Web
from tests.migrations.previous import ROOT
from tests.servers import free_port

# Debian installs it in a folder that is only in root's PATH.
HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
# Long enough for the proxy to notice a new instance.
SEEN_WITHIN = 1.5


def part(section: str, settings: Path, instead: Mapping[str, str]) -> Part:
    """A HAProxy with one section of the example. instead: texts of the example and their replacements."""
    defaults, *sections = (ROOT / "deploy" / "haproxy.cfg").read_text().split("\nlisten ")
    (text,) = (text for text in sections if text.startswith(section))
    for before, after in instead.items():
        assert before in text
        text = text.replace(before, after)
    settings.write_text(f"{defaults}\nlisten {text}\n")
    return Part(HAPROXY, "-db", "-q", "-f", settings, log=settings.with_suffix(".log"))


def proxy(folder: Path, webs: Sequence[Web]) -> tuple[int, Part]:
    """The port of the proxy in front of two instances, and the proxy, which is not started yet."""
    port = free_port()
    instead = {
        ":443 ssl crt /etc/haproxy/id.example.org.pem": f"127.0.0.1:{port}",
        "http-request set-header X-Forwarded-Proto https": "",
        # A release without this page answers 404.
        "expect status 200": "expect rstatus (200|404)",
        "10.0.0.7:8000": f"127.0.0.1:{webs[0].port}",
        "10.0.0.8:8000": f"127.0.0.1:{webs[1].port}",
    }
    return port, part("accounts", folder / "haproxy.cfg", instead)
