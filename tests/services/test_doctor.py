"""The doctor: each probe finds what it is there for, and nothing where all is well; nothing keeps it waiting."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection

from accounts.core import clock
from accounts.core.conf import conf
from accounts.models import LimitCounter, Message, SecurityEvent, SigningKey, User
from accounts.services import doctor, keys, upkeep
from accounts.services.doctor import inside, outside
from accounts.services.doctor.outside import Answer
from accounts.services.guessable import GuessablePasswordValidator
from accounts.services.smtp import Seen
from tests.smtp import mail_server

pytestmark = pytest.mark.django_db(transaction=True)
SEEN = Answer(status=200, headers={}, cookies=[], address="198.51.100.1")


def run(*args: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("authdoctor", *args, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def found(**environment: Any) -> dict[str, list[str]]:
    """What is wrong, by probe."""
    return {finding.probe: finding.problems for finding in doctor.examine(network=True) if finding.problems}


@pytest.fixture
def healthy(live_server: Any, settings: Any) -> str:
    """A served copy, whose worker was there a moment ago."""
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    settings.SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP"
    for name in (upkeep.WORKER, upkeep.PURGE):
        upkeep.note(name, now=clock.now())
    return str(live_server.url)


def test_nothing_is_wrong(healthy: str) -> None:
    users = User.objects.count()
    assert run() == (0, "".join(f"ok    {probe.name}\n" for probe in doctor.PROBES))
    # All that is left of it.
    assert [(event.kind, event.user_id) for event in SecurityEvent.objects.all()] == [("login_failed", None)]
    assert User.objects.count() == users
    assert Message.objects.count() == 0


def test_offline_nobody_is_asked(healthy: str, settings: Any) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    code, said = run("--offline")
    assert (code, said.count("left out\n")) == (0, sum(probe.ask is not None for probe in doctor.PROBES))
    assert SecurityEvent.objects.count() == 0


def test_json(healthy: str, settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    code, said = run("--json", "--offline")
    told = json.loads(said)
    assert (code, told["healthy"]) == (1, False)
    assert [finding["probe"] for finding in told["findings"]] == [probe.name for probe in doctor.PROBES]
    by_name = {finding["probe"]: finding for finding in told["findings"]}
    assert by_name["limits"] == {
        "probe": "limits",
        "run": True,
        "problems": ["RATE_LIMITS is off: anybody may guess as often as they like."],
    }
    assert by_name["public URL"] == {"probe": "public URL", "run": False, "problems": []}


def test_a_forged_address_is_found(healthy: str, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    (problem,) = found()["forged client address"]
    assert problem.startswith("A client can claim any address with X-Forwarded-For")
    assert SecurityEvent.objects.get().ip == outside.FORGED_IP


def test_a_host_of_anybody_is_found(healthy: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert found()["forged host"] == [
        "A request for the host attacker.example.com is served: name the hosts in ALLOWED_HOSTS."
    ]


def test_a_server_that_is_away_is_found(healthy: str, settings: Any) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    code, said = run()
    assert code == 1
    assert "WRONG public URL: It failed: ConnectionRefusedError:" in said
    assert "ok    database" in said


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_nothing_is_waited_for_longer_than_five_seconds(healthy: str, settings: Any, silent: int) -> None:
    settings.PUBLIC_URL = f"http://127.0.0.1:{silent}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", silent
    began = time.monotonic()
    wrong = found()
    assert time.monotonic() - began < 6
    assert {"public URL", "forged client address", "cookies", "mail server", "other origins"} <= set(wrong)


def test_the_mail_server_is_spoken_to_and_sent_nothing(healthy: str, settings: Any) -> None:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert found() == {}
        assert server.letters == []
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "somebody", "secret-of-ours"
        assert found() == {}
        server.refuse_login = True
        (problem,) = found()["mail server"]
    assert problem.startswith("It failed: SMTPAuthenticationError: ")
    assert "secret-of-ours" not in problem


def ago(**span: float) -> Any:
    return clock.now() - timedelta(**span)


def test_the_worker_the_queue_and_the_purge(healthy: str) -> None:
    upkeep.note(upkeep.WORKER, now=ago(minutes=9))
    upkeep.note(upkeep.PURGE, now=ago(hours=5))
    Message.objects.create(kind="verification", message_id="1", due_at=ago(minutes=7))
    assert inside.worker(None) == ["No worker was seen for 9 minutes. Run the worker: python manage.py deliver_mail."]
    assert inside.mail_queue(None) == ["A mail has waited for 7 minutes: the worker is away or too slow."]
    assert inside.purge(None) == ["The last purge was 5 hours ago; the worker does it every hour."]
    for name in (upkeep.WORKER, upkeep.PURGE):
        upkeep.forget(name)
    assert inside.worker(None)[0].startswith("No worker was ever seen.")
    assert inside.purge(None)[0].startswith("Nothing was ever purged.")


def test_signing_keys(healthy: str, settings: Any) -> None:
    assert inside.signing_keys(None) == []
    kid, _private = keys.signing_key()
    with time_machine.travel(clock.now() + timedelta(days=366), tick=False):
        assert inside.signing_keys(None) == [
            "The signing key is older than a year. Run python manage.py rotate_signing_keys."
        ]
    settings.SECRET_KEY = "another-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGH"
    assert inside.signing_keys(None) == [
        f"The signing key {kid} cannot be decrypted with SECRET_KEY: put the old one into SECRET_KEY_FALLBACKS."
    ]
    assert SigningKey.objects.count() == 1


def test_the_blocklist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuessablePasswordValidator, "validate", lambda *args: None)
    assert inside.blocklist(None) == ["The password password1 is accepted: the list of common passwords is not used."]


def test_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    there = clock.now()
    monkeypatch.setattr(inside.clock, "now", lambda: there + timedelta(seconds=9))
    told = inside.clocks(None)
    assert (told == []) is (connection.vendor == "sqlite")
    assert all("differ by" in problem for problem in told)


def test_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    class Behind(inside.MigrationExecutor):
        def migration_plan(self, *args: Any, **options: Any) -> Any:
            return [(self.loader.graph.nodes["accounts", "0014_indexes_of_the_overview"], False)]

    monkeypatch.setattr(inside, "MigrationExecutor", Behind)
    assert inside.migrations(None) == [
        "Migrations are missing: accounts.0014_indexes_of_the_overview. Run python manage.py migrate."
    ]


def test_what_django_checks(settings: Any) -> None:
    settings.DEBUG = True
    assert any("security.W018" in problem for problem in inside.settings_checks(None))


@pytest.fixture
def https(settings: Any) -> None:
    settings.PUBLIC_URL = "https://id.example.org"


CASES: list[tuple[Callable[[Any], list[str]], Any, str]] = [
    (outside.public_url, replace(SEEN, status=502), "https://id.example.org answers 502"),
    (outside.public_url, SEEN, "does not know that it is behind TLS"),
    (outside.plain_http, SEEN, "http:// answers 200 instead of a redirect"),
    (outside.cookies, replace(SEEN, cookies=["csrftoken=1; SameSite=Lax"]), "The cookie csrftoken is not Secure."),
    (outside.cookies, replace(SEEN, cookies=["csrftoken=1; Secure"]), "The cookie csrftoken has no SameSite."),
    (outside.cookies, SEEN, "Content-Security-Policy does not arrive"),
    (outside.cookies, replace(SEEN, status=404), "The login of the admin answers 404."),
    (
        outside.other_origins,
        [("null", replace(SEEN, headers={"access-control-allow-origin": "null"}))],
        "Pages of any origin (null) may call it",
    ),
    (
        outside.other_origins,
        [(outside.OTHER_ORIGIN, replace(SEEN, headers={"access-control-allow-origin": "*"}))],
        "may call it: does the proxy add headers of CORS?",
    ),
    (outside.limit_storage, [1, 1], "Redis counts two tries as [1, 1]"),
    (outside.mail_server, None, "EMAIL_URL names no mail server"),
    (outside.mail_server, Seen(is_private=False, offers_starttls=True, logs_in=True), "is sent unencrypted"),
    (outside.mail_server, Seen(is_private=False, offers_starttls=True, logs_in=False), "offers STARTTLS"),
    (outside.forged_address, replace(SEEN, status=503), "A login of nobody is answered 503"),
    (outside.forged_address, replace(SEEN, status=400), "leads to another installation"),
    (outside.forged_address, replace(SEEN, status=429), "Limits refuse this machine"),
]


@pytest.mark.parametrize(("judge", "answer", "said"), CASES)
def test_what_is_wrong_is_said(https: None, judge: Any, answer: Any, said: str) -> None:
    assert any(said in problem for problem in judge(answer)), judge(answer)


def test_what_is_right_is_not(https: None, settings: Any) -> None:
    headers = {"strict-transport-security": "max-age=1", "content-security-policy": "frame-ancestors 'none'"}
    assert outside.public_url(replace(SEEN, headers=headers)) == []
    moved = replace(SEEN, status=301, headers={"location": "https://id.example.org/"})
    assert [outside.plain_http(answer) for answer in (None, moved)] == [[], []]
    secure = replace(SEEN, headers=headers, cookies=["csrftoken=1; Secure; SameSite=Lax; Path=/admin/"])
    assert outside.cookies(secure) == []
    assert outside.mail_server(Seen(is_private=True, offers_starttls=True, logs_in=True)) == []
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    allowed = replace(SEEN, headers={"access-control-allow-origin": "https://app.example.org"})
    assert outside.other_origins([("https://app.example.org", allowed), ("null", SEEN)]) == []
    assert outside.other_origins([("https://app.example.org", SEEN)]) == [
        "Pages of https://app.example.org cannot call it, although CORS_ALLOWED_ORIGINS says so."
    ]


@pytest.mark.parametrize(
    ("ip", "problems"), [("198.51.100.1", 0), ("8.8.8.8", 0), ("10.0.0.7", 1), ("127.0.0.1", 1), ("203.0.113.77", 1)]
)
def test_a_forged_address_is_found_in_the_events(https: None, ip: str, problems: int) -> None:
    SecurityEvent.objects.create(kind="login_failed", at=clock.now(), dialect="authapi", ip=ip, request_id="r7")
    answer = replace(SEEN, status=400, headers={"x-request-id": "r7"})
    assert len(outside.forged_address(answer)) == problems


def test_redis_counts_and_leaves_nothing(healthy: str) -> None:
    counted = outside.ask_limit_storage()
    assert counted == ([1, 2] if conf.redis_url else None)
    assert outside.limit_storage(counted) == []
    assert LimitCounter.objects.count() == 0


def test_redis_that_is_away(healthy: str, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    (problem,) = found()["limit storage"]
    assert problem.startswith("It failed: ConnectionError:")
