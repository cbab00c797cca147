from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User
from accounts.services import changes, limits, mail, names, passwords, sessions


def change_account(*, session: Session, email: str | None, password: str | None, context: ClientContext) -> User:
    """Sets the values that are not None for the user of `session`, all or none of them (contract, FastAPI Users).

    A new password ends every other session. A new address gets a key, and the old address gets a notice. With
    EMAIL_CHANGE=confirmed the account keeps its address until the key is used. Otherwise it has the new one at once,
    unverified. Raises AccountErrors for values that are not allowed, AccountError(EMAIL_TAKEN),
    AccountError(RATE_LIMITED), AccountError(OVERLOADED), AccountError(REAUTHENTICATION_REQUIRED) if the session did not
    begin within the last hour (ASVS 5.0, 7.5.1), and AccountError(TOKEN_NOT_VALID) if another request changed the
    password at the same moment.
    """
    user = session.user
    values = changes.clean(user, email=email, password=password)
    changes_email = values.get("email", user.email) != user.email
    if (changes_email or password is not None) and session.auth_time < clock.now() - conf.recent_proof:
        raise AccountError(ErrorCode.REAUTHENTICATION_REQUIRED)
    mails = limits.by_mailbox(names.lookup_key(values["email"]), context) if changes_email else ()
    limits.take(*mails)
    new_hash = None if password is None else passwords.make_hash(password)
    with limits.given_back_after_a_refusal(*mails), transaction.atomic(durable=True):
        # The password is set first, so that its notice goes to the old address.
        if new_hash is not None:
            if not passwords.swap(user, to=new_hash):
                raise AccountError(ErrorCode.TOKEN_NOT_VALID)
            changes.password_changed(user, context, session=session)
        if changes_email:
            if conf.email_change_is_confirmed:
                sessions.lock_user(user.pk)
                changes.request_email_change(user, values["email"], context, session=session)
            else:
                changes.change_email(user, values["email"], context, session=session)
                mail.verification(user, context)
    return user
