"""Tests the running configuration as a client and as an attacker would, and says what is wrong.

Its sentences are in the reader's language. Texts of Django and of servers are in English. A probe takes SECONDS at
most.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.services.doctor import inside, outside

SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Probe:
    """name: in English; a page translates it. ask: uses the network, in a thread of its own; None for probes without
    it. judge: takes the result of `ask`, and returns a sentence for each fault.
    """

    name: str
    ask: Callable[[], Any] | None = None
    judge: Callable[[Any], list[str]]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """problems: a sentence for each fault. was_run: False for a probe that was left out."""

    probe: str
    problems: list[str] = field(default_factory=list)
    was_run: bool = True


PROBES = (
    Probe(name=gettext_noop("database"), judge=inside.database),
    Probe(name=gettext_noop("migrations"), judge=inside.migrations),
    Probe(name=gettext_noop("clock"), judge=inside.clocks),
    Probe(name=gettext_noop("worker"), judge=inside.worker),
    Probe(name=gettext_noop("mail queue"), judge=inside.mail_queue),
    Probe(name=gettext_noop("purge"), judge=inside.purge),
    Probe(name=gettext_noop("signing keys"), judge=inside.signing_keys),
    Probe(name=gettext_noop("limits"), judge=inside.limits_are_on),
    Probe(name=gettext_noop("blocklist"), judge=inside.blocklist),
    Probe(name=gettext_noop("settings"), judge=inside.settings_checks),
    Probe(name=gettext_noop("limit storage"), ask=outside.ask_limit_storage, judge=outside.limit_storage),
    Probe(name=gettext_noop("public URL"), ask=outside.ask_public_url, judge=outside.public_url),
    Probe(name=gettext_noop("plain HTTP"), ask=outside.ask_plain_http, judge=outside.plain_http),
    Probe(name=gettext_noop("forged client address"), ask=outside.ask_as_somebody_else, judge=outside.forged_address),
    Probe(name=gettext_noop("forged host"), ask=outside.ask_other_host, judge=outside.forged_host),
    Probe(name=gettext_noop("other origins"), ask=outside.ask_as_other_origins, judge=outside.other_origins),
    Probe(name=gettext_noop("cookies"), ask=outside.ask_for_cookies, judge=outside.cookies),
    Probe(name=gettext_noop("mail server"), ask=outside.ask_mail_server, judge=outside.mail_server),
)


def examine(*, network: bool) -> Iterator[Finding]:
    """Yields the finding of each probe, in order. network: whether to run the probes that use it, all at once."""
    pool = ThreadPoolExecutor(len(PROBES), thread_name_prefix="doctor")
    asked = {probe.name: pool.submit(probe.ask) for probe in PROBES if probe.ask and network}
    try:
        for probe in PROBES:
            if probe.ask and not network:
                yield Finding(probe=probe.name, was_run=False)
            else:
                yield Finding(probe=probe.name, problems=_problems(probe, asked.get(probe.name)))
    finally:
        # A hanging probe ends by its own timeout.
        pool.shutdown(wait=False, cancel_futures=True)


def _problems(probe: Probe, asked: "Future[Any] | None") -> list[str]:
    try:
        return probe.judge(asked.result(SECONDS) if asked else None)
    except FutureTimeoutError:
        return [_("It took longer than %(seconds)d seconds.") % {"seconds": SECONDS}]
    except Exception as error:
        # The operator has to know about any error.
        told = f"{type(error).__name__}: {error}".partition("\n")[0]
        return [_("It failed: %(error)s") % {"error": told}]
