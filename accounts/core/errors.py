"""Every refusal of the core, as one enum; each dialect has one total table from it to its wire."""

from collections.abc import Callable
from enum import StrEnum


class ErrorCode(StrEnum):
    RATE_LIMITED = "rate_limited"
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
    TOKEN_NOT_VALID = "token_not_valid"
    USER_NOT_FOUND = "user_not_found"
    SESSION_NOT_FOUND = "session_not_found"
    AVATAR_URL_INVALID = "avatar_url_invalid"
    LAST_SUPERUSER = "last_superuser"


class AccountError(Exception):
    """A refusal that a client is to be told of.

    code: which one.
    reasons: sentences for a person, in the language of the request; empty where the code says it all.
    retry_after: the seconds after which the same may be asked again, of RATE_LIMITED alone.
    """

    def __init__(self, code: ErrorCode, *, reasons: tuple[str, ...] = (), retry_after: int | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.reasons = reasons
        self.retry_after = retry_after


class AccountErrors(AccountError):
    """Several refusals of one request; a wire that can say one alone says the first."""

    def __init__(self, errors: list[AccountError]) -> None:
        super().__init__(errors[0].code, reasons=errors[0].reasons)
        self.errors = tuple(errors)

    @classmethod
    def gather(cls, *checks: Callable[[], object]) -> None:
        """Runs every check, and raises what they refused together."""
        errors = []
        for check in checks:
            try:
                check()
            except AccountError as error:
                errors.append(error)
        if errors:
            raise cls(errors)
