"""`manage.py import_users` reads files: broken lines, other charsets, lines without an end, and pipes."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from accounts.models import User
from accounts.services.moving import texts
from tests.moving import HASH, Run, csv, jsonl, names

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent


def test_broken_lines(tmp_path: Path) -> None:
    good = [jsonl({"email": f"user{n}@example.org", "password": HASH}) for n in range(4)]
    broken = [b'{"email": \n', b'{"email": "\xff@example.org"}\n', b"[1]\n", b'{"email": 7, "is_staff": "maybe"}\n']
    broken += [b'{"email": "x@example.org", "created_at": "yesterday"}\n', b'{"email": "x\\u0000@example.org"}\n']
    broken += [b'{"email": "' + b"a" * texts.LONGEST + b'"}\n', b'{"email": "\\ud800@example.org"}\n']
    path = tmp_path / "users.jsonl"
    path.write_bytes(good[0] + b"".join(broken) + b"\n" + good[1] + good[2] + good[3][:30])
    run = Run(path, "jsonl")
    assert run.code == 1
    assert [line.split(" (")[0] for line in run.told[:-1]] == [
        "line 2: no JSON",
        "line 3: not UTF-8",
        "line 4: no JSON object",
        "line 5: is_staff is neither true nor false",
        "line 6: created_at is no time",
        "line 7: email has a NUL",
        "line 8: longer than 1,048,576 bytes",
        "line 9: no JSON",
        "line 13: no JSON: the file ends in the middle",
    ]
    assert names() == ["user0", "user1", "user2"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", []),
        ("id,email\n1,a@example.org\n".encode("utf-16"), ["line 1: not UTF-8: UTF-16 is not read"]),
        (b"id,passwrd,email\n1,x,a@example.org\n", ["line 1: the column passwrd is unknown"]),
        (b"id\n1\n", ["line 1: the column email is missing"]),
        (b'id,email\n1,"a@example.org\n2,b@example.org\n', ["line 2: no CSV (unexpected end of data)"]),
        (b"id,email\n1,\xff@example.org\n", ["line 2: email is not UTF-8"]),
        (b"id,email\n" + b"9" * 2001 + b",a@example.org\n", ["line 2: id has more than 2,000 letters"]),
        (b"id,email\n" + b"1" * (texts.LONGEST + 1) + b"\n", ["line 2: longer than 1,048,576 bytes"]),
        (b"id,email\n1," + b"e" * 200_000 + b"\n", ["line 2: no CSV (field larger than field limit (131072))"]),
    ],
)
def test_invalid_files_are_reported(data: bytes, told: list[str]) -> None:
    run = Run("-", "csv", given=data)
    assert (run.code, [line.partition(";")[0] for line in run.told[:-1]]) == (1 if told else 0, told)
    assert User.objects.count() == 0


def test_a_byte_order_mark() -> None:
    assert Run("-", "csv", given=b"\xef\xbb\xbf" + csv(f"1,bob,bob@example.org,{HASH}")).code == 0
    assert names() == ["bob"]


def test_a_hundred_megabytes_without_an_end(tmp_path: Path) -> None:
    """In a process of its own, whose memory is looked at."""
    path = tmp_path / "long.jsonl"
    with path.open("wb") as out:
        out.write(jsonl({"email": "a@example.org"}) + b'{"email": "')
        for _ in range(100):
            out.write(b"a" * 2**20)
        out.write(b'"}\n' + jsonl({"email": "b@example.org"}))
    code = (
        "import re, sys\n"
        "from accounts.services.moving import texts\n"
        "found = list(texts.json_lines(texts.Source(open(sys.argv[1], 'rb'))))\n"
        "objects = list(texts.json_objects(texts.Source(open(sys.argv[1], 'rb'))))\n"
        "most = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
        "print(len(found), len(objects), int(most) // 1024)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    found, objects, megabytes = map(int, said.split())
    assert (found, objects) == (3, 2)
    assert megabytes < 50


def test_out_of_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(jsonl({"email": "bob@example.org"})))
    writer.start()
    assert Run(pipe, "jsonl").code == 0
    writer.join()
    assert names() == ["bob"]
