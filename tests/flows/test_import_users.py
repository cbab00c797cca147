"""`manage.py import_users` of CSV and JSON Lines: rules, collisions, progress, and going on after an interruption."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import uuid
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.core.management.base import OutputWrapper

from accounts.flows import import_users as flow
from accounts.management.commands.import_users import Command
from accounts.management.progress import Progress
from accounts.models import Message, SecurityEvent, User
from accounts.services.moving import checking, looks
from tests.clients.authapi import PASSWORD, AuthApi
from tests.moving import HASH, Run, csv, jsonl, names

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent


def test_csv(api: AuthApi) -> None:
    id = uuid.uuid4()
    header = "id,username,email,password,email_verified,is_staff,is_active,created_at,last_visit,language,avatar_url"
    rows = (
        f"{id},Анна,Anna@Example.org,{HASH},true,,,2020-01-02T03:04:05Z,1700000000,ru,https://example.org/a.png",
        "17,bob,bob@example.org,,f,true,false,,,,http://example.org/a.png",
    )
    run = Run("-", "csv", given=csv(*rows, header=header))
    assert (run.code, run.out, run.told) == (
        0,
        ["2 users were moved in, in 0 s.", "Left out 1 times: an avatar URL that is not allowed."],
        [],
    )
    anna, bob = User.objects.order_by("email")
    assert (anna.pk, anna.external_id, anna.username, anna.username_key) == (id, str(id), "Анна", "анна")
    assert (anna.email, anna.email_key, anna.email_verified) == ("Anna@example.org", "anna@example.org", True)
    assert (anna.created_at.isoformat(), anna.last_visit.isoformat()) == (
        "2020-01-02T03:04:05+00:00",
        "2023-11-14T22:13:20+00:00",
    )
    assert (anna.language, anna.avatar_url, anna.password) == ("ru", "https://example.org/a.png", HASH)
    assert (anna.is_active, anna.is_staff, anna.is_superuser, anna.has_second_factor) == (True, False, False, False)
    assert (bob.external_id, bob.email_verified, bob.is_active, bob.is_staff) == ("17", False, False, True)
    assert (bob.avatar_url, bob.language, bob.has_usable_password()) == ("", "en", False)
    assert api.login("Анна").status_code == 200
    events = SecurityEvent.objects.filter(kind="imported").order_by("user__email")
    assert [(each.user, each.actor_kind, each.dialect, each.detail) for each in events] == [
        (anna, "command", "command", "csv"),
        (bob, "command", "command", "csv"),
    ]
    assert Message.objects.count() == 0


def test_invalid_users_are_reported(rows: Any) -> None:
    before = rows()
    given = csv(
        f"1,,no address,{HASH}",
        f"2,,,{HASH}",
        f"3,a b,a@example.org,{HASH}",
        f"4,admin,b@example.org,{HASH}",
        f"5,аdmin2х,c@example.org,{HASH}",
        "6,f,d@example.org,plain",
        "7,g,e@example.org,$2b$31$" + "a" * 53,
        "8,h",
        f"{'9' * 256},i,f@example.org,{HASH}",
        'a"b,"x"y,z,',
    )
    run = Run("-", "csv", given=given)
    assert run.code == 1
    assert [line.partition(":")[0] for line in run.told] == [
        *("line 9", "line 11", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7", "line 8", "line 10"),
        "Not all were taken",
    ]
    assert "line 5: This username is reserved." in run.told
    assert "line 7: a hash of an unknown kind" in run.told
    assert "line 9: 2 columns, and not 4" in run.told
    assert rows() == before


def test_collisions_are_reported_and_never_merged(api: AuthApi, alice: Any) -> None:
    given = csv(
        f"1,ALICE,other@example.org,{HASH}",
        f"2,other,Alice@Example.ORG,{HASH}",
        f"3,bob,bob@example.org,{HASH}",
        f"4,ＢＯＢ,bob2@example.org,{HASH}",
        f"5,bob3,BOB@example.org,{HASH}",
        f"3,bob4,bob4@example.org,{HASH}",
    )
    first = User.objects.get()
    expected = [
        f"line 2: another account has the username: {first.pk}",
        f"line 3: another account has the address: {first.pk}",
        "line 5: the username is the same as at line 4",
        "line 6: the address is the same as at line 4",
        "line 7: the same id as at line 4",
    ]
    run = Run("-", "csv", given=given)
    assert (run.code, run.told[:5], names()) == (1, expected, ["alice"])
    assert run.told[5].startswith("Stopped before these: 0 were moved in")
    for dry in ("skip", "update", "fail"):
        run = Run("-", "csv", "--dry-run", "--on-conflict", dry, given=given)
        assert (run.code, run.told[:5]) == (0 if dry == "skip" else 1, expected)
        assert names() == ["alice"]
    run = Run("-", "csv", "--on-conflict", "skip", given=given)
    assert (run.code, run.told) == (0, expected)
    assert run.out == [
        "1 users were moved in, in 0 s.",
        "5 have a name, an address or an id that another one has.",
    ]
    assert names() == ["alice", "bob"]
    assert User.objects.get(username="alice").password == first.password
    # Another source with the same numbers.
    run = Run("-", "csv", "--on-conflict", "update", given=csv(f"3,carol,carol@example.org,{HASH}"))
    bob = User.objects.get(username="bob")
    assert (run.code, run.told[0]) == (1, f"line 2: another account has the external id 3: {bob.pk}")
    assert (bob.email, names()) == ("bob@example.org", ["alice", "bob"])


@pytest.mark.parametrize("page", [1, 10_000])
def test_look_alikes_are_reported_and_moved_in(alice: Any, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(flow, "BATCH", 2)
    monkeypatch.setattr(looks, "PAGE", page)
    User.objects.create(username="bob", email="b@example.org")
    given = csv(
        "1,paypal,a1@example.org,",
        "2,PayPa1,a2@example.org,",
        "3,pay.pal,a3@example.org,",
        # In Cyrillic letters.
        "4,раураӏ,a4@example.org,",
        "5,Paypal,a5@example.org,",
        "6,b0b,a6@example.org,",
        "7,,AIice@example.org,",
    )
    told = [
        "line 3: the username PayPa1 looks like paypal (line 2)",
        "line 5: the username раураӏ looks like paypal (line 2)",
        "line 6: the username is the same as at line 2",
        "line 7: the username b0b looks like bob (another account)",
        "line 8: the username AIice looks like alice (another account)",
    ]
    run = Run("-", "csv", "--on-conflict", "skip", "--dry-run", given=given)
    assert (run.code, run.told, names()) == (0, told, ["alice", "bob"])
    assert run.out[-1] == "4 of them have a username that looks like another one: see above."
    run = Run("-", "csv", "--on-conflict", "skip", given=given)
    # The account with the name is in the database now.
    told[2] = f"line 6: another account has the username: {User.objects.get(username='paypal').pk}"
    assert (run.code, run.told) == (0, told)
    assert run.out[-1] == "4 of them have a username that looks like another one: see above."
    assert names() == ["AIice", "PayPa1", "alice", "b0b", "bob", "pay.pal", "paypal", "раураӏ"]
    # Those who are there already are not told of again.
    run = Run("-", "csv", "--on-conflict", "skip", given=csv("3,pay.pal,a3@example.org,", "2,PayPa1,a2@example.org,"))
    assert (run.code, run.told, run.out[-1]) == (0, [], "2 are there already.")


def test_others_who_log_in_go_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lowered: list[int] = []
    monkeypatch.setattr(os, "nice", lowered.append)
    path = tmp_path / "users.csv"
    path.write_bytes(csv("1,carol,carol@example.org,"))
    Command().run_from_argv(["manage.py", "import_users", str(path), "--format", "csv"])
    assert (lowered, names()) == ([15], ["carol"])


def test_a_dry_run_knows_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "BATCH", 2)
    users = [f"{number},user{number % 5},user{number}@example.org,{HASH}" for number in range(1, 8)]
    run = Run("-", "csv", "--dry-run", given=csv(*users))
    assert run.told[:2] == [
        "line 7: the username is the same as at line 2",
        "line 8: the username is the same as at line 3",
    ]
    assert (run.code, run.out[0], User.objects.count()) == (1, "5 users would be moved in, in 0 s.", 0)
    # A real run stops before the batch of the first conflict.
    run = Run("-", "csv", given=csv(*users))
    assert (run.code, User.objects.count()) == (1, 4)


def test_other_usernames() -> None:
    given = csv(
        f"1,bob,bob@example.org,{HASH}",
        f"2,BOB,bob@example.com,{HASH}",
        f"3,carol@example.org,Carol@example.org,{HASH}",
        f"4,root,dave@example.org,{HASH}",
        f"5,,eve@example.org,{HASH}",
        f"6,,eve@example.com,{HASH}",
    )
    run = Run("-", "csv", "--rename", given=given)
    assert (run.code, run.told) == (0, [])
    found = names()
    assert [name.partition("-")[0] for name in found] == ["BOB", "Carol", "bob", "dave", "eve", "eve"]
    assert {"bob", "Carol", "dave", "eve"} <= set(found)


def test_unknown_hashes_can_be_left_out() -> None:
    run = Run("-", "csv", "--unknown-hash", "drop", given=csv("1,bob,bob@example.org,plain"))
    assert (run.code, run.out[1]) == (0, "Left out 1 times: a password whose hash is not taken.")
    assert User.objects.get().has_usable_password() is False


def test_weak_hashes_are_wrapped() -> None:
    weak = "sha256$salt$" + hashlib.sha256(b"salt" + PASSWORD.encode()).hexdigest()
    users = [{"id": str(uuid.uuid4()), "email": f"u{n}@example.org", "password": weak} for n in range(3)]
    assert Run("-", "jsonl", given=jsonl(*users)).code == 0
    stored = list(User.objects.values_list("password", flat=True))
    assert len(set(stored)) == 3
    assert all(check_password(PASSWORD, each) and each.startswith("wrapped$sha256$") for each in stored)
    assert AuthApi().login("u1@example.org").status_code == 200


def test_it_goes_on_where_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "BATCH", 2)
    users = [f",user{number},user{number}@example.org,{HASH}" for number in range(5)]
    assert Run("-", "csv", given=csv(*users[:3])).code == 0
    before = set(User.objects.values_list("pk", "password"))
    run = Run("-", "csv", given=csv(*users))
    assert (run.code, run.out) == (0, ["2 users were moved in, in 0 s.", "3 are there already."])
    assert before < set(User.objects.values_list("pk", "password"))
    assert SecurityEvent.objects.filter(kind="imported").count() == User.objects.count() == 5


def test_bringing_up_to_date(api: AuthApi) -> None:
    header = "id,username,email,password,email_verified"
    other = PBKDF2PasswordHasher().encode("battery-staple-7", "salt", iterations=10)
    rows = [f"{n},user{n},user{n}@example.org,{HASH},true" for n in range(3)]
    assert Run("-", "csv", given=csv(*rows, header=header)).code == 0
    # A user who has logged in here keeps their values.
    assert api.login("user0").status_code == 200
    here = User.objects.get(username="user0").password
    rows = [f"{n},user{n},new{n}@example.org,{other},false" for n in range(4)]
    run = Run("-", "csv", "--on-conflict", "update", given=csv(*rows, header=header))
    assert (run.code, run.told) == (0, [])
    assert run.out == [
        "1 users were moved in, in 0 s.",
        "2 were brought up to date.",
        "1 are there already.",
        "Left out 1 times: news of an account that was logged in to here.",
    ]
    zero, one, two, three = User.objects.order_by("username")
    assert (zero.email, zero.email_verified, zero.password) == ("user0@example.org", True, here)
    assert {(each.email, each.email_verified, each.password) for each in (one, two, three)} == {
        (f"new{n}@example.org", False, other) for n in (1, 2, 3)
    }
    assert EmailAddress.objects.count() == 4
    details = SecurityEvent.objects.filter(kind="imported", user=one).values_list("detail", flat=True)
    assert sorted(details) == ["csv", "csv, updated"]


@pytest.mark.parametrize("options", [[], ["--rename"]])
def test_names_that_were_made_stay(options: list[str]) -> None:
    """For users without a username, with an address as the username, or with a taken name."""
    rows = [f"1,,bob@example.org,{HASH}", f"2,bob@example.com,bob@example.com,{HASH}"]
    rows += [f"3,BOB,bob@example.net,{HASH}"] * len(options)
    assert Run("-", "csv", *options, given=csv(*rows)).code == 0
    before = set(User.objects.values_list("external_id", "username", "username_key"))
    assert len(before) == 2 + len(options)
    run = Run("-", "csv", "--on-conflict", "update", *options, given=csv(*rows[::-1]))
    assert (run.code, run.told, run.out[1]) == (0, [], f"{len(before)} were brought up to date.")
    assert set(User.objects.values_list("external_id", "username", "username_key")) == before


def test_mail_only_when_it_is_asked_for(letters: Any) -> None:
    given = csv("1,bob,bob@example.org,", f"2,carol,carol@example.org,{HASH}")
    assert Run("-", "csv", "--send-reset", given=given).code == 0
    assert Run("-", "csv", "--send-reset", given=given).code == 0
    assert list(Message.objects.values_list("kind", "to")) == [("password_reset", "bob@example.org")]


def test_somebody_registers_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    check, made = checking.check, []

    def check_early(*args: Any, **options: Any) -> Any:
        plan = check(*args, **options)
        if not made:
            made.append(User.objects.create(username="Alice", email="a@example.com", password="!"))
        return plan

    monkeypatch.setattr(checking, "check", check_early)
    given = csv(f"1,alice,alice@example.org,{HASH}", f"2,bob,bob@example.org,{HASH}")
    run = Run("-", "csv", "--on-conflict", "skip", given=given)
    assert (run.code, run.told) == (0, [f"line 2: another account has the username: {made[0].pk}"])
    assert names() == ["Alice", "bob"]
    assert EmailAddress.objects.count() == SecurityEvent.objects.filter(kind="imported").count() == 1


def test_killed_in_the_middle(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "users.jsonl"
    total = 12_000
    path.write_bytes(jsonl(*({"id": str(uuid.uuid4()), "email": f"user{n}@example.org"} for n in range(total))))
    database = settings.DATABASES["default"]
    environment = {**os.environ, "IMPORT_INTO": str(database["NAME"])}
    code = (
        "import os, django\n"
        "from django.conf import settings\n"
        "settings.DATABASES['default']['NAME'] = os.environ['IMPORT_INTO']\n"
        "django.setup()\n"
        "from django.core.management import call_command\n"
        f"call_command('import_users', {str(path)!r}, '--format', 'jsonl')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while User.objects.count() < total * 0.3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = User.objects.count()
    assert 0 < there < total
    assert there % flow.BATCH == 0
    assert EmailAddress.objects.count() == SecurityEvent.objects.filter(kind="imported").count() == there
    run = Run(path, "jsonl")
    assert (run.code, run.out[1]) == (0, f"{there:,} are there already.")
    assert User.objects.count() == EmailAddress.objects.count() == total


class Screen(StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress(is_terminal: bool) -> None:
    with patch("time.monotonic") as clock:
        clock.return_value = 100.0
        screen = Screen(is_terminal)
        progress = Progress(OutputWrapper(screen))
        progress.show(1000, 0.1)
        clock.return_value = 110.0
        progress.show(5000, 0.5)
        progress.step_aside()
        clock.return_value = 120.0
        progress.show(9000, None)
    bar = "[" + "#" * 15 + " " * 15 + "]"
    assert screen.getvalue() == (
        f"\r{bar}  50%  5,000 users in 10 s, 500 a second\033[K\r\033[K\r9,000 users in 20 s, 450 a second\033[K"
        if is_terminal
        else " 50%  5,000 users in 10 s, 500 a second\n9,000 users in 20 s, 450 a second\n"
    )
