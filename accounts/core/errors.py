"""Every refusal of the core, as one enum. Each dialect has one table that says how it sends each of them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class ErrorCode(StrEnum):
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    INVALID_CREDENTIALS = "invalid_credentials"
    EMAIL_NOT_VERIFIED = "email_not_verified"
    USERNAME_INVALID = "username_invalid"
    USERNAME_TAKEN = "username_taken"
    EMAIL_INVALID = "email_invalid"
    EMAIL_TAKEN = "email_taken"
    PASSWORD_INVALID = "password_invalid"
    WRONG_PASSWORD = "wrong_password"
    INVALID_VERIFICATION_KEY = "invalid_verification_key"
    INVALID_NOTICE_KEY = "invalid_notice_key"
    EMAIL_ALREADY_VERIFIED = "email_already_verified"
    INVALID_RESET_TOKEN = "invalid_reset_token"
    INVALID_CODE = "invalid_code"
    MFA_REQUIRED = "mfa_required"
    MFA_ENROLMENT_REQUIRED = "mfa_enrolment_required"
    INVALID_CHALLENGE = "invalid_challenge"
    INVALID_OFFER = "invalid_activation_token"
    INVALID_PASSKEY = "invalid_passkey"
    TOO_MANY_PASSKEYS = "too_many_passkeys"
    FACTOR_EXISTS = "factor_exists"
    FACTOR_NOT_FOUND = "factor_not_found"
    PROVIDER_NOT_FOUND = "provider_not_found"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_STATE_UNREADABLE = "provider_state_unreadable"
    PROVIDER_STATE_INVALID = "provider_state_invalid"
    PROVIDER_WITHOUT_EMAIL = "provider_without_email"
    PROVIDER_USER_EXISTS = "provider_user_exists"
    REDIRECT_URI_INVALID = "redirect_uri_invalid"
    IDENTITY_TAKEN = "identity_taken"
    IDENTITY_NOT_FOUND = "identity_not_found"
    LAST_WAY_IN = "last_way_in"
    TOKEN_NOT_VALID = "token_not_valid"
    REAUTHENTICATION_REQUIRED = "reauthentication_required"
    USER_NOT_FOUND = "user_not_found"
    SESSION_NOT_FOUND = "session_not_found"
    AVATAR_URL_INVALID = "avatar_url_invalid"
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    LAST_SUPERUSER = "last_superuser"
    SUPERUSER_PROTECTED = "superuser_protected"


# The sentence for each code. A refusal with reasons of its own shows those instead.
SENTENCES = {
    ErrorCode.RATE_LIMITED: _("Too many requests. Try again later."),
    ErrorCode.OVERLOADED: _("The server is busy. Try again in a moment."),
    ErrorCode.INVALID_CREDENTIALS: _("Unable to log in with provided credentials."),
    ErrorCode.EMAIL_NOT_VERIFIED: _("E-mail is not verified."),
    ErrorCode.USERNAME_INVALID: _("Enter a valid username."),
    ErrorCode.USERNAME_TAKEN: _("A user with that username already exists."),
    ErrorCode.EMAIL_INVALID: _("Enter a valid email address."),
    ErrorCode.EMAIL_TAKEN: _("A user is already registered with this e-mail address."),
    ErrorCode.PASSWORD_INVALID: _("This password cannot be used."),
    ErrorCode.WRONG_PASSWORD: _("Your old password was entered incorrectly. Please enter it again."),
    ErrorCode.INVALID_VERIFICATION_KEY: _("This key is wrong, used or expired."),
    # For a mailed link that neither verifies an address nor resets a password.
    ErrorCode.INVALID_NOTICE_KEY: _("This key is wrong, used or expired."),
    # Some dialects have their own word for a used key. The others answer as for a wrong key.
    ErrorCode.EMAIL_ALREADY_VERIFIED: _("This key is wrong, used or expired."),
    ErrorCode.INVALID_RESET_TOKEN: _("This reset link is wrong, used or expired."),
    ErrorCode.INVALID_CODE: _("This code is wrong, used or expired."),
    ErrorCode.MFA_REQUIRED: _("A second factor is needed to log in."),
    ErrorCode.MFA_ENROLMENT_REQUIRED: _("Add a second factor to your account first."),
    ErrorCode.INVALID_CHALLENGE: _("This login took too long or was tried too often. Begin it again."),
    ErrorCode.INVALID_OFFER: _("This secret was offered too long ago. Ask for a new one."),
    ErrorCode.INVALID_PASSKEY: _("This passkey does not fit, or the request took too long. Begin again."),
    ErrorCode.TOO_MANY_PASSKEYS: _("An account has twenty passkeys at most. Remove one first."),
    ErrorCode.FACTOR_EXISTS: _("There is a second factor already. Remove it first."),
    ErrorCode.FACTOR_NOT_FOUND: _("There is no second factor."),
    ErrorCode.PROVIDER_NOT_FOUND: _("There is no such provider."),
    ErrorCode.PROVIDER_UNAVAILABLE: _("The provider does not answer. Try again later, or log in another way."),
    ErrorCode.PROVIDER_REFUSED: _("The provider did not confirm who you are. Begin again."),
    ErrorCode.PROVIDER_STATE_UNREADABLE: _(
        "This login took too long, or a part of its address is missing. Begin again."
    ),
    ErrorCode.PROVIDER_STATE_INVALID: _("This login was begun in another browser. Begin again."),
    ErrorCode.PROVIDER_WITHOUT_EMAIL: _("The provider names no e-mail address. Allow it to, or register here."),
    ErrorCode.PROVIDER_USER_EXISTS: _(
        "There is an account with this e-mail address. Log in to it, then connect the provider to it."
    ),
    ErrorCode.REDIRECT_URI_INVALID: _("This address is none that a provider may send people back to."),
    ErrorCode.IDENTITY_TAKEN: _("This login is connected to another account."),
    ErrorCode.IDENTITY_NOT_FOUND: _("There is no such connection."),
    ErrorCode.LAST_WAY_IN: _("This is the last way into your account. Set a password first."),
    ErrorCode.TOKEN_NOT_VALID: _("Token is invalid or expired"),
    ErrorCode.REAUTHENTICATION_REQUIRED: _("Log in again to do this."),
    ErrorCode.USER_NOT_FOUND: _("No such user."),
    ErrorCode.SESSION_NOT_FOUND: _("No such session."),
    ErrorCode.AVATAR_URL_INVALID: _("Enter a valid https URL."),
    ErrorCode.IDEMPOTENCY_KEY_INVALID: _("An Idempotency-Key has 1 to 255 visible ASCII characters."),
    ErrorCode.IDEMPOTENCY_KEY_IN_USE: _("A request with this Idempotency-Key is being carried out."),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: _("This Idempotency-Key was used for another request."),
    ErrorCode.LAST_SUPERUSER: _("The last active superuser has to stay."),
    ErrorCode.SUPERUSER_PROTECTED: _("Only a superuser may do this to a superuser."),
}


class AccountError(Exception):
    """A refusal that the client sees.

    code: the kind of the refusal.
    reasons: sentences for a person, in the language of the request; empty if the code says enough.
    data: values that a client may need beside the code. Every dialect renders them in its own way.
      `retry_after` is the number of seconds after which the same may be asked again.
    """

    def __init__(self, code: ErrorCode, *, reasons: tuple[str, ...] = (), data: Mapping[str, Any] = {}) -> None:
        super().__init__(code.value)
        self.code = code
        self.reasons = reasons
        self.data = dict(data)

    @property
    def retry_after(self) -> int | None:
        """After how many seconds the client may ask again; None if that is not known."""
        return self.data.get("retry_after")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The text for a person: the reasons, or the sentence of the code."""
        return self.reasons or (str(SENTENCES[self.code]),)

    @property
    def details(self) -> dict[str, Any]:
        """The data without `retry_after`, which wires with headers send as a header."""
        return {name: value for name, value in self.data.items() if name != "retry_after"}


class AccountErrors(AccountError):
    """Several refusals of one request. A wire with room for only one sends the first."""

    def __init__(self, errors: list[AccountError]) -> None:
        super().__init__(errors[0].code, reasons=errors[0].reasons, data=errors[0].data)
        self.errors = tuple(errors)

    @classmethod
    def gather(cls, *checks: Callable[[], object]) -> None:
        """Runs every check, then raises all their refusals as one."""
        errors = []
        for check in checks:
            try:
                check()
            except AccountError as error:
                errors.append(error)
        if errors:
            raise cls(errors)
