"""Looks at the running configuration as a client and as an attacker would, and says what is wrong.

What it says is for the operator, and in English, like the log. A probe takes SECONDS at most.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

from accounts.services.doctor import inside, outside

SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Probe:
    """ask: what talks to the network, in a thread of its own; None where nothing does. judge: what is wrong, of what
    `ask` has answered, in whole sentences; nothing where all is well.
    """

    name: str
    ask: Callable[[], Any] | None = None
    judge: Callable[[Any], list[str]]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """problems: a sentence for each thing that is wrong. was_run: False for what was left out."""

    probe: str
    problems: list[str] = field(default_factory=list)
    was_run: bool = True


PROBES = (
    Probe(name="database", judge=inside.database),
    Probe(name="migrations", judge=inside.migrations),
    Probe(name="clock", judge=inside.clocks),
    Probe(name="worker", judge=inside.worker),
    Probe(name="mail queue", judge=inside.mail_queue),
    Probe(name="purge", judge=inside.purge),
    Probe(name="signing keys", judge=inside.signing_keys),
    Probe(name="limits", judge=inside.limits_are_on),
    Probe(name="blocklist", judge=inside.blocklist),
    Probe(name="settings", judge=inside.settings_checks),
    Probe(name="limit storage", ask=outside.ask_limit_storage, judge=outside.limit_storage),
    Probe(name="public URL", ask=outside.ask_public_url, judge=outside.public_url),
    Probe(name="plain HTTP", ask=outside.ask_plain_http, judge=outside.plain_http),
    Probe(name="forged client address", ask=outside.ask_as_somebody_else, judge=outside.forged_address),
    Probe(name="forged host", ask=outside.ask_other_host, judge=outside.forged_host),
    Probe(name="other origins", ask=outside.ask_as_other_origins, judge=outside.other_origins),
    Probe(name="cookies", ask=outside.ask_for_cookies, judge=outside.cookies),
    Probe(name="mail server", ask=outside.ask_mail_server, judge=outside.mail_server),
)


def examine(*, network: bool) -> Iterator[Finding]:
    """Tells of each probe in its order. network: whether those that talk to it are run, all at once."""
    pool = ThreadPoolExecutor(len(PROBES), thread_name_prefix="doctor")
    asked = {probe.name: pool.submit(probe.ask) for probe in PROBES if probe.ask and network}
    try:
        for probe in PROBES:
            if probe.ask and not network:
                yield Finding(probe=probe.name, was_run=False)
            else:
                yield Finding(probe=probe.name, problems=_problems(probe, asked.get(probe.name)))
    finally:
        # What hangs ends by its own timeout.
        pool.shutdown(wait=False, cancel_futures=True)


def _problems(probe: Probe, asked: "Future[Any] | None") -> list[str]:
    try:
        return probe.judge(asked.result(SECONDS) if asked else None)
    except FutureTimeoutError:
        return [f"It took longer than {SECONDS:.0f} seconds."]
    except Exception as error:
        # Whatever it is, it is what the operator has to know.
        return [f"It failed: {type(error).__name__}: {error}".partition("\n")[0]]
