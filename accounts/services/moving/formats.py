"""Which formats there are, and the accounts of a file in one of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accounts.services.moving import own, texts
from accounts.services.moving.records import Record, Refusal
from accounts.services.moving.sealing import PrivateKey
from accounts.services.moving.texts import Source

Accounts = Iterator[Record | Refusal]


@dataclass(frozen=True, kw_only=True)
class Options:
    """factors_key: opens the second factors of our own format."""

    factors_key: PrivateKey | None = None


# How the accounts of a file are read.
FILES: dict[str, Callable[[Source, Options], Accounts]] = {
    "jsonl": lambda source, options: own.from_lines(texts.json_lines(source), key=options.factors_key),
    "csv": lambda source, _options: own.from_csv(texts.table(source)),
}
FORMATS = tuple(FILES)


def read_file(source: Source, format: str, options: Options) -> Accounts:
    """The accounts of a file, one after the other."""
    if source.is_other_encoding:
        return iter([Refusal("line 1", "not UTF-8: UTF-16 is not read")])
    return FILES[format](source, options)
