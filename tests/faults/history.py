"""Clients that behave like people, and keep a history of their requests and the answers."""

import http.client
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.clients.authapi import PASSWORD
from tests.clusters import Answer, Server

# The pause of a client between two requests, and after a failed request.
PAUSE, PAUSE_AFTER_FAILURE = 0.1, 0.3
# Tabs refresh every few minutes. Here they refresh more often, but not so often that the token of a delayed tab is more
# than eight rotations old: such a token counts as stolen (contract, Tokens and sessions).
TABS_WAKE_EVERY = 1.0
# How long a client tries both passwords after an unclear change.
FIND_OUT_SECONDS = 60


@dataclass(frozen=True)
class Call:
    """One request. answer: None if the connection was refused or lost."""

    what: str
    begun: float
    ended: float
    answer: Answer | None

    @property
    def is_good(self) -> bool:
        return self.answer is not None and self.answer.status < 300

    @property
    def is_unclear(self) -> bool:
        """Whether the answer leaves open if the act was done: a 503 may also come after the commit."""
        return self.answer is None or self.answer.status >= 500

    @property
    def is_refused(self) -> bool:
        """Whether the answer tells the client that its session has ended."""
        return self.answer is not None and self.answer.status == 401

    @property
    def is_told_to_wait(self) -> bool:
        return self.answer is not None and self.answer.status == 503 and self.answer.retry_after is not None

    @property
    def has_failed(self) -> bool:
        return self.answer is not None and self.answer.status >= 500 and not self.is_told_to_wait

    @property
    def said(self) -> str:
        return f"{self.what}: {self.answer.status} {self.answer.body}" if self.answer else f"{self.what}: hung up"


@dataclass
class Person:
    """A person whose password changes. password: the last acknowledged one."""

    name: str
    access: str
    refresh: str
    password: str = PASSWORD
    changes: int = 0
    ended: int = 0

    @property
    def email(self) -> str:
        return f"{self.name}@example.org"


@dataclass
class History:
    """port: of the server. The clients keep:

    signed_up: the names of sign-ups, and whether each was acknowledged. resets: how many reset mails were acknowledged,
    and how many had no clear answer. lost: acknowledged acts that have no effect. surprises: unexplained answers.
    ended: ended sessions of honest clients.
    """

    port: int
    calls: list[Call] = field(default_factory=list)
    signed_up: dict[str, bool] = field(default_factory=dict)
    resets: Counter[str] = field(default_factory=Counter)
    unclear_resets: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: Any = field(default_factory=itertools.count)

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> Call:
        more = {"Idempotency-Key": key} if key else {}
        begun = time.monotonic()
        answer = None
        with suppress(OSError, http.client.HTTPException):
            answer = Server(self.port, token).ask(method, f"/api/auth/{path}", body, **more)
        call = Call(f"{method} {path}{' under a key' if key else ''}", begun, time.monotonic(), answer)
        with self._lock:
            self.calls.append(call)
        return call

    def insist(self, path: str, body: Any, *, token: str = "") -> Call:
        """Sends a request again, under one key, until its answer is clear."""
        key = str(uuid.uuid4())
        deadline = time.monotonic() + FIND_OUT_SECONDS
        while (call := self.ask("POST", path, body, token=token, key=key)).is_unclear and time.monotonic() < deadline:
            time.sleep(PAUSE_AFTER_FAILURE)
        return call

    def next_number(self) -> int:
        return next(self._numbers)

    def surprise(self, call: Call, who: str) -> None:
        """Keeps an unexplained refusal."""
        if not call.is_unclear:
            self.surprises.append(f"{who}: {call.said}")

    def register(self, name: str, *, insists: bool = False) -> Call:
        self.signed_up[name] = False
        body = {"username": name, "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD}
        call = self.insist("registration/", body) if insists else self.ask("POST", "registration/", body)
        self.signed_up[name] = call.is_good
        return call

    def new_person(self, name: str) -> Person:
        call = self.register(name)
        assert call.is_good, call.said
        assert call.answer is not None
        return Person(name, call.answer.body["access"], call.answer.body["refresh"])

    def log_in(self, person: Person, password: str) -> Call:
        call = self.ask("POST", "login/", {"username": person.name, "password": password})
        if call.answer is not None and call.is_good:
            person.access, person.refresh = call.answer.body["access"], call.answer.body["refresh"]
        return call


class Load:
    """The clients, each in a thread, while the block runs.

    Two sign up and two change their passwords, one of each with an Idempotency-Key. One asks for mails, two read, and
    three persons have three tabs each that refresh one shared token. is_previous: the previous release serves, which
    knows no such key and accepts only one older token, so that each person has one tab.
    """

    def __init__(self, history: History, *, is_previous: bool = False) -> None:
        self.history = history
        self._stop = threading.Event()
        self._ending = threading.Lock()
        self.persons = [history.new_person(f"person{number}") for number in range(3)]
        self.owners = [history.new_person(f"owner{number}") for number in range(3)]
        changers, reader = self.persons[:2], self.persons[2]
        clients: list[Callable[[], bool]] = [self._sign_up, lambda: self._sign_up(insists=not is_previous)]
        clients += [lambda: self._change(changers[0]), lambda: self._change(changers[1], insists=not is_previous)]
        clients += [lambda: self._reset(reader)]
        clients += [lambda: self._read(reader)] * 2
        for owner in self.owners:
            clients += [lambda owner=owner: self._wake_and_refresh(owner)] * (1 if is_previous else 3)  # type: ignore[misc]
        self._threads = [threading.Thread(target=self._go_on, args=(client,)) for client in clients]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, client: Callable[[], bool]) -> None:
        while not self._stop.is_set():
            was_good = client()
            self._stop.wait(PAUSE if was_good else PAUSE_AFTER_FAILURE)

    def _sign_up(self, *, insists: bool = False) -> bool:
        name = f"new{self.history.next_number()}"
        call = self.history.register(name, insists=insists)
        if not call.is_good:
            self.history.surprise(call, name)
        return call.is_good

    def _reset(self, person: Person) -> bool:
        call = self.history.ask("POST", "password/reset/", {"email": person.email})
        if call.is_good:
            self.history.resets[person.name] += 1
        elif call.is_unclear:
            self.history.unclear_resets[person.name] += 1
        else:
            self.history.surprise(call, person.name)
        return call.is_good

    def _read(self, person: Person) -> bool:
        ended = person.ended
        call = self.history.ask("GET", "user/", token=person.access)
        if call.is_refused:
            self._end(person, call, ended)
        elif not call.is_good:
            self.history.surprise(call, person.name)
        return call.is_good

    def _wake_and_refresh(self, owner: Person) -> bool:
        """Refreshes at the same moment as the other tabs, because their access tokens expire together."""
        self._stop.wait(TABS_WAKE_EVERY - time.monotonic() % TABS_WAKE_EVERY)
        return self._refresh(owner)

    def _refresh(self, owner: Person) -> bool:
        """Refreshes in one tab: takes the token that all tabs share, and stores its successor there."""
        shown, ended = owner.refresh, owner.ended
        call = self.history.ask("POST", "token/refresh/", {"refresh": shown})
        if call.answer is not None and call.is_good:
            if owner.ended == ended:
                owner.refresh = call.answer.body["refresh"]
        elif call.is_refused:
            self._end(owner, call, ended)
        else:
            self.history.surprise(call, owner.name)
        return call.is_good

    def _end(self, person: Person, call: Call, ended: int) -> None:
        """The session has ended. The tab that notices it first logs in again."""
        with self._ending:
            if person.ended > ended:
                return
            self.history.ended.append(f"{person.name}: {call.said}")
            while not self.history.log_in(person, person.password).is_good and not self._stop.wait(PAUSE_AFTER_FAILURE):
                pass
            # Only now, because other tabs still use the token of the ended session meanwhile.
            person.ended += 1

    def _change(self, person: Person, *, insists: bool = False) -> bool:
        ended, new = person.ended, f"battery-staple-{self.history.next_number()}"
        body = {"old_password": person.password, "new_password1": new, "new_password2": new}
        if insists:
            call = self.history.insist("password/change/", body, token=person.access)
        else:
            call = self.history.ask("POST", "password/change/", body, token=person.access)
        if call.is_good:
            person.password, person.changes = new, person.changes + 1
        elif call.is_unclear:
            self._find_out(person, new)
        elif call.is_refused:
            self._end(person, call, ended)
        else:
            self.history.lost.append(f"{person.name}: {call.said}")
        return call.is_good

    def _find_out(self, person: Person, new: str) -> None:
        """Tries both passwords, like a person whose change was not answered."""
        # By now the server is done with the request.
        time.sleep(1)
        for password in (new, person.password):
            # This must be found out even if all others have stopped.
            deadline = time.monotonic() + FIND_OUT_SECONDS
            while (call := self.history.log_in(person, password)).is_unclear and time.monotonic() < deadline:
                time.sleep(PAUSE_AFTER_FAILURE)
            if call.is_good:
                person.changes += password == new
                person.password = password
                return
        self.history.lost.append(f"{person.name}: neither password is right any more: {call.said}")
