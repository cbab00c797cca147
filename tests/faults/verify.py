"""Compares the answers to clients with the product's data afterwards."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.history import History, Load, Person
from tests.smtp import MailServer

Execute = Callable[..., list[tuple[Any, ...]]]
# The claim of a killed worker runs out within a minute. A refused mail is tried again after 30 and 60 seconds.
MAIL_SECONDS = 120
# How many of the latest sign-ups log in again.
LOG_IN_AGAIN = 20
# A worker records its sent mails within this time, unless it is killed.
SETTLED_WITHIN = 1.0


@dataclass
class Verdict:
    """repeated: letters that were sent again because their worker was killed between the mail server's "250 OK" and its
    own commit. Nobody can know whether the first one was accepted. They have the same Message-ID.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    repeated: int = 0

    def compare(self, what: str, there: int, *, least: int, most: int) -> None:
        if there < least:
            self.lost.append(f"{what}: {there} of {least}")
        if there > most:
            self.doubled.append(f"{what}: {there} for {most}")


def wait_for_mail(execute: Execute) -> None:
    """Waits until the outbox is empty. Refused mails are made due at once."""
    execute("UPDATE accounts_message SET due_at = now() WHERE state = 'queued' AND claimed_until IS NULL")
    deadline = time.monotonic() + MAIL_SECONDS
    while execute("SELECT count(*) FROM accounts_message WHERE state = 'queued'") != [(0,)]:
        if time.monotonic() > deadline:
            return
        time.sleep(0.5)


def verify(load: Load, execute: Execute, mails: MailServer, worker_killed_at: list[float]) -> Verdict:
    history = load.history
    verdict = Verdict(lost=list(history.lost), ended=list(history.ended))
    wait_for_mail(execute)
    _sign_ups(history, execute, verdict)
    _passwords(load, execute, verdict)
    _mails(load, execute, mails, worker_killed_at, verdict)
    _sessions(load, execute, verdict)
    return verdict


def _sign_ups(history: History, execute: Execute, verdict: Verdict) -> None:
    """Each account exists with its address, its event and its mail, or nothing of it exists."""
    rows = execute(
        "SELECT username, (SELECT count(*) FROM account_emailaddress e WHERE e.user_id = u.id),"
        " (SELECT count(*) FROM accounts_securityevent s WHERE s.user_id = u.id AND s.kind = 'registered'),"
        ' (SELECT count(*) FROM accounts_message m WHERE m."to" = u.email AND m.kind = $$verification$$)'
        " FROM accounts_user u"
    )
    there = Counter(row[0] for row in rows)
    for name, acknowledged in history.signed_up.items():
        verdict.compare(f"account {name}", there[name], least=int(acknowledged), most=1)
    for name, *parts in rows:
        for what, count in zip(("address", "event", "mail"), parts, strict=True):
            verdict.compare(f"{what} of account {name}", count, least=1, most=1)
    new = [name for name, acknowledged in history.signed_up.items() if acknowledged and name.startswith("new")]
    for name in new[-LOG_IN_AGAIN:]:
        call = history.log_in(Person(name, "", ""), Person.password)
        if not call.is_good:
            verdict.lost.append(f"login of {name}: {call.said}")


def _passwords(load: Load, execute: Execute, verdict: Verdict) -> None:
    for person in load.persons[:2]:
        call = load.history.log_in(person, person.password)
        if not call.is_good:
            verdict.lost.append(f"password of {person.name}: {call.said}")
        owned = {"securityevent": "u.id = owned.user_id", "message": 'u.email = owned."to"'}
        for table, is_owner in owned.items():
            ((count,),) = execute(
                f"SELECT count(*) FROM accounts_{table} owned JOIN accounts_user u ON {is_owner}"
                f" WHERE kind = 'password_changed' AND username = '{person.name}'"
            )
            changed = f"{table} password_changed of {person.name}"
            verdict.compare(changed, count, least=person.changes, most=person.changes)


def _mails(load: Load, execute: Execute, mails: MailServer, worker_killed_at: list[float], verdict: Verdict) -> None:
    resets = dict(
        execute(
            'SELECT username, count(*) FROM accounts_message m JOIN accounts_user u ON u.email = m."to"'
            " WHERE kind = 'password_reset' GROUP BY 1"
        )
    )
    for name, count in load.history.resets.items():
        most = count + load.history.unclear_resets[name]
        verdict.compare(f"mails password_reset of {name}", resets.get(name, 0), least=count, most=most)
    came = Counter(letter["Message-ID"] for _address, letter in mails.letters)
    first: dict[str, float] = {}
    for (_address, letter), at in zip(mails.letters, mails.taken_at, strict=True):
        first.setdefault(letter["Message-ID"], at)
    rows = execute('SELECT message_id, state, kind, "to", last_error FROM accounts_message')
    for message_id, state, kind, to, error in rows:
        if came[message_id] == 0:
            verdict.lost.append(f"mail {kind} to {to}: {state} {error}")
        elif state != "sent":
            verdict.doubled.append(f"mail {kind} to {to} came and is still {state} {error}")
        elif came[message_id] > 1:
            if any(first[message_id] <= at < first[message_id] + SETTLED_WITHIN for at in worker_killed_at):
                verdict.repeated += came[message_id] - 1
            else:
                verdict.doubled.append(f"mail {kind} to {to} came {came[message_id]} times")
    for message_id in came.keys() - {row[0] for row in rows}:
        verdict.doubled.append(f"letter {message_id} that nobody owes")


def _sessions(load: Load, execute: Execute, verdict: Verdict) -> None:
    for owner in load.owners:
        call = load.history.ask("POST", "token/refresh/", {"refresh": owner.refresh})
        if not call.is_good:
            verdict.ended.append(f"{owner.name} at the end: {call.said}")
    ((reused,),) = execute("SELECT count(*) FROM accounts_securityevent WHERE kind = 'refresh_token_reused'")
    if reused:
        verdict.ended.append(f"{reused} refresh tokens were taken for stolen")
