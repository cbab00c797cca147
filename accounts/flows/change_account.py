from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User
from accounts.services import changes, mail, passwords


def change_account(*, session: Session, email: str | None, password: str | None, context: ClientContext) -> User:
    """Sets what is not None of the user behind `session`, all or nothing (contract, FastAPI Users).

    A new password ends every other session. A new address is unverified: it gets a key, and both the old and the new
    one are told. Raises AccountErrors for values that cannot be had, AccountError(EMAIL_TAKEN), and
    AccountError(TOKEN_NOT_VALID) if somebody else changed the password at the same moment.
    """
    user = session.user
    values = changes.clean(user, email=email, password=password)
    new_hash = None if password is None else passwords.make_hash(password)
    with transaction.atomic(durable=True):
        # The password goes first, so that its notice reaches the address that the account had until now.
        if new_hash is not None:
            if not passwords.swap(user, to=new_hash):
                raise AccountError(ErrorCode.TOKEN_NOT_VALID)
            changes.password_changed(user, context, session=session)
        if values.get("email", user.email) != user.email:
            changes.change_email(user, values["email"], context, session=session)
            mail.verification(user, context)
    return user
