from django.utils.translation import get_language

from accounts.core.context import Actor, ActorKind, ClientContext, Dialect


def command_context(name: str) -> ClientContext:
    """The ClientContext of a management command: the user agent is the command's name."""
    return ClientContext(
        ip="",
        user_agent=f"manage.py {name}",
        language=get_language() or "en",
        request_id="",
        dialect=Dialect.COMMAND,
        actor=Actor(kind=ActorKind.COMMAND),
    )
