"""Values that flows answer with and more than one of them shares."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """access: proves the session for minutes; refresh: gets the next pair, once."""

    access: str
    refresh: str
