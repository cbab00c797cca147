"""Values that more than one flow returns."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """access: proves the session for minutes; refresh: gets the next pair, once."""

    access: str
    refresh: str
