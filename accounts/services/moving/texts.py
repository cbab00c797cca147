"""Files of accounts: JSON Lines, JSON with a list, and CSV. They are read piece by piece, so that memory stays small.

Each reader yields, for each account, its place and its values, or a Refusal.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from accounts.services.moving.records import Record, Refusal, UnreadableError, Values

# The most bytes of a line, and of an account in JSON.
LONGEST = 2**20
CHUNK = 2**16
NEWLINE = b"\n"
_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")

Found = tuple[str, dict[str, Any]] | Refusal


def each_record(found: Iterable[Found], read: Callable[[str, Values], Record | None]) -> Iterator[Record | Refusal]:
    """The record that `read` makes of each object, or a Refusal for an unreadable one; nothing if it makes None."""
    for each in found:
        if isinstance(each, Refusal):
            yield each
            continue
        where, values = each
        try:
            record = read(where, values)
        except UnreadableError as error:
            yield Refusal(where, str(error))
        else:
            if record is not None:
                yield record


class Source:
    """A stream of bytes whose first bytes can be read ahead. taken: how many bytes were read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = stream.read(CHUNK).removeprefix(_BOM)
        self.taken = len(self._ahead)
        self.first = self._ahead.lstrip()[:1]
        self.is_other_encoding = self._ahead[:2] in _OTHER_ENCODINGS

    def read(self) -> bytes:
        data, self._ahead = self._ahead or self._stream.read(CHUNK), b""
        self.taken += 0 if data is None else len(data)
        return data

    def line(self) -> bytes:
        """The next line, or LONGEST + 1 bytes of a longer one."""
        if not self._ahead:
            data = self._stream.readline(LONGEST + 1)
            self.taken += len(data)
            return data
        end = self._ahead.find(b"\n") + 1
        if end:
            data, self._ahead = self._ahead[:end], self._ahead[end:]
            return data
        data, self._ahead = self._ahead, b""
        rest = self._stream.readline(LONGEST + 1 - len(data))
        self.taken += len(rest)
        return data + rest


def lines(source: Source) -> Iterator[tuple[int, bytes | None]]:
    """The number and the bytes of each line; None for a line that is too long, which is skipped piece by piece."""
    number = 0
    while data := source.line():
        number += 1
        if len(data) <= LONGEST:
            yield number, data
            continue
        while data and not data.endswith(b"\n"):
            data = source.line()
        yield number, None


def json_lines(source: Source) -> Iterator[Found]:
    """One object in each line."""
    for number, line in lines(source):
        where = f"line {number}"
        if line is None:
            yield _too_long(where)
        elif line.strip():
            yield _object(where, line, ends=line.endswith(b"\n"))


def _object(where: str, data: bytes, *, ends: bool = True) -> Found:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        try:
            data.decode()
        except UnicodeDecodeError:
            return Refusal(where, "not UTF-8")
        said = str(error).partition(":")[0]
        return Refusal(where, f"no JSON ({said})" if ends else f"no JSON: the file ends in the middle ({said})")
    return (where, value) if isinstance(value, dict) else Refusal(where, "no JSON object")


# A whole string, or a single quote: the beginning of a string whose end is not read yet.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[{}\[\]]', re.DOTALL)


def json_objects(source: Source, member: str = "") -> Iterator[Found]:
    """The objects of a list, or of the list `member` of an object; without `member`, also a sequence of objects."""
    buffer, at, counted = b"", 0, 0
    line, number = 1, 0
    opened, key = bytearray(), b""
    begin: int | None = None
    is_too_long = False
    while data := source.read():
        buffer += data
        for token in _TOKEN.finditer(buffer, at):
            mark = token[0]
            if mark == b'"':
                at = token.start()
                break
            at = token.end()
            if len(mark) > 1:
                key = mark if len(opened) == 1 else key
            elif mark in b"{[":
                if mark == b"{" and begin is None and _is_place(opened, key, member):
                    begin, is_too_long = token.start(), False
                    number, depth = number + 1, len(opened)
                    line, counted = line + buffer.count(b"\n", counted, begin), begin
                opened += mark
            elif opened:
                opened.pop()
                if begin is not None and len(opened) == depth:
                    where = f"account {number} (line {line})"
                    is_too_long = is_too_long or at - begin > LONGEST
                    yield _too_long(where) if is_too_long else _object(where, buffer[begin:at])
                    begin = None
        else:
            at = len(buffer)
        if len(buffer) - at > LONGEST:
            yield Refusal(
                f"line {line + buffer.count(NEWLINE, counted)}", "a text that does not end; the rest is not read"
            )
            return
        is_too_long = is_too_long or (begin is not None and at - begin > LONGEST)
        kept_from = at if begin is None or is_too_long else begin
        line, counted = line + buffer.count(b"\n", counted, max(counted, kept_from)), 0
        buffer, at = buffer[kept_from:], at - kept_from
        begin = None if begin is None else 0
    if opened or at < len(buffer):
        yield Refusal(f"line {line}", "the file ends in the middle")


def _is_place(opened: bytearray, key: bytes, member: str) -> bool:
    """Whether an object that begins inside these brackets is an account."""
    if opened == b"{[":
        return bool(member) and key == f'"{member}"'.encode()
    return opened == b"[" or (not member and not opened)


def _too_long(where: str) -> Refusal:
    return Refusal(where, f"longer than {LONGEST:,} bytes")


def table(source: Source) -> Iterator[Found]:
    """CSV whose first line names the columns."""
    at = 0
    too_long: list[int] = []

    def texts() -> Iterator[str]:
        nonlocal at
        for number, line in lines(source):
            at = number
            if line is None:
                too_long.append(number)
            else:
                yield line.decode(errors="surrogateescape")

    rows = csv.reader(texts(), strict=True)
    header: list[str] | None = None
    while True:
        begin = at + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            row = []
            yield Refusal(f"line {begin}", f"no CSV ({error})")
        yield from (_too_long(f"line {number}") for number in too_long)
        too_long.clear()
        if row is None:
            return
        if not row:
            continue
        if header is None:
            header = [name.strip() for name in row]
        elif len(row) != len(header):
            yield Refusal(f"line {begin}", f"{len(row)} columns, and not {len(header)}")
        else:
            yield f"line {begin}", dict(zip(header, row, strict=True))
