"""One function for each kind of mail. It puts a row into the outbox, in the transaction of the mail's cause."""

from datetime import timedelta

from django.template.loader import render_to_string
from django.utils import translation

from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.models import User
from accounts.models.message import MessageKind
from accounts.services import links, outbox, users


def verification(user: User | None, context: ClientContext) -> None:
    """The link that verifies the address of `user`. Without a user, the worker discards the row.

    A second link says "I did not register". It is added until somebody proves to read a mailbox of the account.
    """
    asked = user or users.nobody()
    link = conf.verify_email_url.format(key=links.verification_key(asked))
    decline = ""
    if asked.mailbox_proved_at is None:
        decline = f"{conf.public_url}/not-registered?key={links.not_registered_key(asked)}"
    lifetime = conf.verification_key_lifetime
    _put(MessageKind.VERIFICATION, user, context.language, lifetime=lifetime, link=link, decline=decline)


def verification_code(user: User | None, to: str, code: str, context: ClientContext) -> None:
    """The code that proves the mailbox `to`, with or without an account of this address."""
    lifetime = conf.verification_code_lifetime
    _put(MessageKind.VERIFICATION_CODE, user, context.language, to=to, is_theirs=False, lifetime=lifetime, code=code)


def login_code(user: User | None, code: str, context: ClientContext) -> None:
    """The code that logs `user` in. Without a user, the worker discards the row."""
    lifetime = conf.verification_code_lifetime
    _put(MessageKind.LOGIN_CODE, user, context.language, lifetime=lifetime, code=code)


def password_reset(user: User | None, context: ClientContext) -> None:
    """The link to choose a new password. Without a user, the worker discards the row."""
    asked = user or users.nobody()
    link = conf.password_reset_url.format(uid=links.reset_uid(asked), token=links.reset_token(asked))
    _put(MessageKind.PASSWORD_RESET, user, context.language, lifetime=conf.reset_token_lifetime, link=link)


def registration_attempt(owner: User, context: ClientContext) -> None:
    """Tells the owner of an address that somebody tried to register with it."""
    _put(MessageKind.REGISTRATION_ATTEMPT, owner, owner.language, ip=_client_ip(context))


def password_changed(user: User, context: ClientContext) -> None:
    _notice(MessageKind.PASSWORD_CHANGED, user, context, to=user.email, verified=user.email_verified)


def password_guessed(user: User | None, context: ClientContext) -> None:
    """Tells a user that somebody tries passwords. Without a user, the worker discards the row."""
    _put(MessageKind.PASSWORD_GUESSED, user, user.language if user else context.language, ip=_client_ip(context))


def email_change_requested(user: User, context: ClientContext, *, address_id: int, to: str) -> None:
    """The link that confirms the new address `to`, and a notice to the present address."""
    link = conf.verify_email_url.format(key=links.change_key(address_id, to))
    lifetime = conf.verification_key_lifetime
    _put(MessageKind.EMAIL_CHANGE, user, context.language, to=to, is_theirs=False, lifetime=lifetime, link=link)
    _notice(MessageKind.EMAIL_CHANGE_REQUESTED, user, context, to=user.email, verified=user.email_verified)


def email_changed(user: User, context: ClientContext, *, old: str, old_was_verified: bool) -> None:
    """Tells both addresses of `user`. Only the old one gets a link "this was not me", and only if it was verified."""
    _notice(MessageKind.EMAIL_CHANGED, user, context, to=old, verified=old_was_verified)
    _put(MessageKind.EMAIL_CHANGED, user, user.language, ip=_client_ip(context))


def data_export(user: User, context: ClientContext) -> None:
    """The link to a copy of the user's data."""
    link = f"{conf.public_url}/export?key={links.export_key(user)}"
    _put(MessageKind.DATA_EXPORT, user, context.language, lifetime=conf.export_key_lifetime, link=link)


def account_deletion(user: User, context: ClientContext) -> None:
    """Tells a user when their account is deleted, with a link that keeps it."""
    due_at = user.deletion_due_at
    if due_at is None:
        raise ValueError("the account is not to be deleted")
    link = f"{conf.public_url}/keep-account?key={links.keep_key(user)}"
    day = f"{due_at:%Y-%m-%d}"
    _put(MessageKind.ACCOUNT_DELETION, user, user.language, link=link, day=day, ip=_client_ip(context))


def factor_added(user: User, context: ClientContext) -> None:
    _notice(MessageKind.FACTOR_ADDED, user, context, to=user.email, verified=user.email_verified)


def factor_removed(user: User, context: ClientContext) -> None:
    _notice(MessageKind.FACTOR_REMOVED, user, context, to=user.email, verified=user.email_verified)


def identity_added(user: User, provider: str, context: ClientContext, *, verified: bool) -> None:
    """Tells a user that another provider was connected. verified: whether the address was verified before that."""
    _notice(MessageKind.IDENTITY_ADDED, user, context, to=user.email, verified=verified, provider=provider)


def identity_removed(user: User, provider: str, context: ClientContext) -> None:
    verified = user.email_verified
    _notice(MessageKind.IDENTITY_REMOVED, user, context, to=user.email, verified=verified, provider=provider)


def recovery_code_used(user: User, context: ClientContext, *, are_few: bool) -> None:
    """Tells a user that a recovery code was used, and that new ones are needed if few are left."""
    _notice(MessageKind.RECOVERY_CODE_USED, user, context, to=user.email, verified=user.email_verified)
    if are_few:
        _put(MessageKind.RECOVERY_CODES_FEW, user, user.language)


def refresh_token_reused(user: User, context: ClientContext) -> None:
    _notice(MessageKind.REFRESH_TOKEN_REUSED, user, context, to=user.email, verified=user.email_verified)


def _client_ip(context: ClientContext) -> str:
    """The IP address in a mail. Users do not learn the address of an administrator."""
    return "" if context.is_trusted else context.ip


def _notice(
    kind: MessageKind, user: User, context: ClientContext, *, to: str, verified: bool, provider: str = ""
) -> None:
    """A security notice, in the language of its owner, with a link that says "this was not me".

    An address that was never verified gets no link: whoever reads it has not proved that the account is theirs.
    """
    link = f"{conf.public_url}/not-me?key={links.notice_key(user, to)}" if verified else ""
    _put(kind, user, user.language, to=to, is_theirs=verified, link=link, ip=_client_ip(context), provider=provider)


def _put(
    kind: MessageKind,
    user: User | None,
    language: str,
    *,
    to: str | None = None,
    is_theirs: bool | None = None,
    lifetime: timedelta | None = None,
    **values: str,
) -> None:
    """to: the address; the user's present one by default. is_theirs: whether that address was ever verified.

    A mail to an unverified address does not contain the username: a stranger may have chosen it.
    """
    if is_theirs is None:
        is_theirs = user is not None and user.email_verified
    with translation.override(language):
        values |= {"username": user.username if user and is_theirs else "", "site": conf.public_url}
        subject, text, html = (
            render_to_string(f"mail/{kind}.{part}", values) for part in ("subject.txt", "txt", "html")
        )
    outbox.put(
        kind,
        user=user,
        to=to or (user.email if user else ""),
        language=language,
        subject=" ".join(subject.split()),
        text=text.strip() + "\n",
        html=html,
        lifetime=lifetime,
    )
