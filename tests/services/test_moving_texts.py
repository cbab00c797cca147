"""Objects in JSON, read in pieces: the same objects are found for every size of the pieces."""

import io
import json
import random
from typing import Any

import pytest

from accounts.services.moving import texts
from accounts.services.moving.records import Refusal

HARD = [
    {"email": "a@example.org", "text": '}]"{[\\'},
    {"nested": {"users": [{"a": 1}, [2]]}, "é": '\\\\"\n\u2028'},
    {},
    {"list": [[], [{}], "]"]},
]


class Slow(io.BytesIO):
    """A stream that returns a number of bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._size)


def found(data: bytes, member: str = "", size: int = 2**16) -> list[Any]:
    source = texts.Source(Slow(data, size))
    return [each if isinstance(each, Refusal) else each[1] for each in texts.json_objects(source, member)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 2**16])
@pytest.mark.parametrize("indent", [None, 2])
def test_objects(size: int, indent: int | None) -> None:
    as_list = json.dumps(HARD, indent=indent).encode()
    assert found(as_list, size=size) == HARD
    assert found(as_list, "users", size=size) == HARD
    assert found(b"\n".join(json.dumps(each, indent=indent).encode() for each in HARD), size=size) == HARD
    others = {"roles": [{"no": 1}], "deep": {"users": [{"no": 2}]}, "users": HARD, "after": [{"no": 3}]}
    assert found(json.dumps(others, indent=indent).encode(), "users", size=size) == HARD
    assert found(json.dumps(others).encode() * 2, "users", size=size) == HARD * 2


def test_where() -> None:
    data = b'[\n{"a": 1},\n\n {"b":\n 2}, {"c": 3}\n]'
    places = [each[0] for each in texts.json_objects(texts.Source(io.BytesIO(data))) if isinstance(each, tuple)]
    assert places == ["account 1 (line 2)", "account 2 (line 4)", "account 3 (line 5)"]


def test_what_is_broken() -> None:
    assert found(b'[{"a": 1}, {"a": nope}, {"a": 2}]') == [
        {"a": 1},
        Refusal("account 2 (line 1)", found(b'[{"a": 1}, {"a": nope}]')[1].reason),
        {"a": 2},
    ]
    assert found(b'{"users": [{"a": 1}, {"a": ', "users") == [
        {"a": 1},
        Refusal("line 1", "the file ends in the middle"),
    ]
    assert found(b'[{"a": "') == [Refusal("line 1", "the file ends in the middle")]
    long = b'[{"a": [' + b'"x",' * (texts.LONGEST // 4) + b'1]}, {"a": 2}]'
    assert found(long) == [Refusal("account 1 (line 1)", "longer than 1,048,576 bytes"), {"a": 2}]
    assert found(b"]}{}") == [{}]


def test_random_cuts() -> None:
    chance = random.Random(1)
    data = json.dumps({"users": HARD * 20}, indent=1).encode()
    for _ in range(30):
        assert found(data, "users", size=chance.randrange(1, 300)) == HARD * 20
        cut = data[: chance.randrange(len(data) - 3)]
        whole = found(cut, "users", size=chance.randrange(1, 300))
        assert isinstance(whole[-1], Refusal)
        assert whole[:-1] == (HARD * 20)[: len(whole) - 1]
