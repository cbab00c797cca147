"""The variables in a form for people: the source of each value, without secrets."""

import re

from config import environment

MASK = "•••"
# Options in a URL that are secrets. A placeholder of a template is no secret.
_SECRET_OPTION = re.compile(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)(?!\{)[^&]+", re.IGNORECASE)


def variables() -> list[tuple[str, str, bool]]:
    """Each variable that was read: name, value, and whether the environment sets it (otherwise it is the default)."""
    return [(name, shown(name, value), is_set) for name, (value, is_set) in sorted(environment.READ.items())]


def shown(name: str, value: str) -> str:
    """`value` without its secrets."""
    if name in environment.SECRET:
        return MASK if value else ""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    credentials, at, host = authority.rpartition("@")
    if at:
        user, colon, _password = credentials.partition(":")
        # A single text before the @ of a web address is a key. The user of a database is no secret.
        known = f"{user}:{MASK}" if colon else MASK if scheme in ("http", "https") else user
        rest = f"{known}@{host}{rest[len(authority) :]}"
    return _SECRET_OPTION.sub(rf"\1{MASK}", f"{scheme}://{rest}")
