"""The variables as people may see them: where each value comes from, and no secret."""

import re

from config import environment

MASK = "•••"
# Options in a URL that are secrets; a placeholder of a template is none.
_SECRET_OPTION = re.compile(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)(?!\{)[^&]+", re.IGNORECASE)


def variables() -> list[tuple[str, str, bool]]:
    """Name, value and whether the environment says so (or else it is the default), of each variable that was read."""
    return [(name, shown(name, value), is_set) for name, (value, is_set) in sorted(environment.READ.items())]


def shown(name: str, value: str) -> str:
    """`value` without what nobody may see."""
    if name in environment.SECRET:
        return MASK if value else ""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    credentials, at, host = authority.rpartition("@")
    if at:
        user, colon, _password = credentials.partition(":")
        # What stands alone before the @ of a web address is a key, and the user of a database is none.
        known = f"{user}:{MASK}" if colon else MASK if scheme in ("http", "https") else user
        rest = f"{known}@{host}{rest[len(authority) :]}"
    return _SECRET_OPTION.sub(rf"\1{MASK}", f"{scheme}://{rest}")
