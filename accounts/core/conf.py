"""The account settings, typed; accounts/checks.py refuses values that contradict each other."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

from accounts.core.provider import Provider


@dataclass(frozen=True, kw_only=True)
class FirebaseHashes:
    """The parameters with which Firebase hashes the passwords of one project."""

    signer_key: bytes
    salt_separator: bytes
    rounds: int
    mem_cost: int


class AccountSettings:
    @property
    def public_url(self) -> str:
        """The origin of links in mail and the issuer of tokens, without a trailing slash."""
        return str(settings.PUBLIC_URL)

    @property
    def browser_origins(self) -> list[str]:
        """The other origins whose pages may call the product."""
        return list(settings.CORS_ALLOWED_ORIGINS)

    @property
    def audience(self) -> str:
        """The claim `aud` of tokens: for whom they are."""
        return str(settings.AUDIENCE)

    @property
    def verification_is_mandatory(self) -> bool:
        return bool(settings.EMAIL_VERIFICATION == "mandatory")

    @property
    def email_change_is_confirmed(self) -> bool:
        """Whether a new address counts only after a confirmation from the new mailbox."""
        return bool(settings.EMAIL_CHANGE == "confirmed")

    @property
    def refresh_token_is_in_cookie(self) -> bool:
        """Whether the AuthApi gives refresh tokens in a cookie instead of the body."""
        return bool(settings.REFRESH_COOKIE == "on")

    @property
    def second_factors_count(self) -> bool:
        """Whether a login asks for the second factor of a user who has one."""
        return bool(settings.MFA != "off")

    def needs_second_factor(self, *, is_staff: bool) -> bool:
        """Whether a user has to have a second factor, by the policy MFA."""
        return bool(settings.MFA == "required" or (settings.MFA == "required_for_staff" and is_staff))

    @property
    def issuer_name(self) -> str:
        """What authenticator apps show beside the address."""
        return urlsplit(self.public_url).netloc

    @property
    def host_name(self) -> str:
        """The domain that passkeys are bound to."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def own_origins(self) -> list[str]:
        """The origins whose pages may ask for a passkey."""
        return [self.public_url, *self.browser_origins]

    @property
    def recent_proof_for_factors(self) -> timedelta:
        """How old a proof of identity may be for a change of second factors."""
        return timedelta(minutes=10)

    @property
    def recent_proof(self) -> timedelta:
        """How old a proof of identity may be for a change of the address, or of the password without the old one."""
        return timedelta(hours=1)

    @property
    def access_token_lifetime(self) -> timedelta:
        return timedelta(minutes=settings.ACCESS_TOKEN_MINUTES)

    @property
    def session_lifetime(self) -> timedelta:
        """The absolute end of a session, counted from its login."""
        return timedelta(days=settings.SESSION_DAYS)

    @property
    def admin_session_lifetime(self) -> timedelta:
        """The absolute end of a login to the admin."""
        return timedelta(hours=12)

    @property
    def admin_idle_time(self) -> timedelta:
        """How long a login to the admin lives without a request."""
        return timedelta(hours=1)

    @property
    def looks_are_recorded(self) -> bool:
        """Whether an event is recorded when an administrator opens a user's page."""
        return bool(settings.ADMIN_VIEW_EVENTS == "on")

    @property
    def refresh_grace(self) -> timedelta:
        return timedelta(seconds=settings.REFRESH_GRACE_SECONDS)

    @property
    def verification_key_lifetime(self) -> timedelta:
        """NIST SP 800-63A-4 §3.8: a mailed confirmation lives 24 hours at most."""
        return timedelta(hours=24)

    @property
    def notice_key_lifetime(self) -> timedelta:
        """How long the link "this was not me" in a security notice works."""
        return timedelta(days=3)

    @property
    def export_key_lifetime(self) -> timedelta:
        """How long the link to a copy of one's data works."""
        return timedelta(days=1)

    @property
    def deletion_grace(self) -> timedelta:
        """How long the owner of an account can take back its deletion; 0: the account is deleted at once."""
        return timedelta(days=settings.DELETION_GRACE_DAYS)

    @property
    def reset_token_lifetime(self) -> timedelta:
        return timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)

    @property
    def verification_code_lifetime(self) -> timedelta:
        """OWASP ASVS 5.0, 6.5.5: a code that is sent out of band lives 10 minutes at most."""
        return timedelta(minutes=10)

    @property
    def rate_limits_are_on(self) -> bool:
        return bool(settings.RATE_LIMITS == "on")

    def limit(self, name: str) -> int:
        """How many tries a limit of limits.py allows in its window; `name` is the name of the setting."""
        return int(settings.LIMITS[name])

    @property
    def place_known_for(self) -> timedelta:
        """How long wrong passwords are counted separately for a place of an earlier login (contract, Limits)."""
        return timedelta(days=30)

    @property
    def most_waiting_for_a_hash(self) -> int:
        """How many passwords may wait in each queue of a worker while one password is hashed."""
        return int(settings.HASH_QUEUE)

    @property
    def firebase_hashes(self) -> FirebaseHashes | None:
        """The parameters of Firebase's hashes; None if no accounts come from Firebase."""
        if not settings.FIREBASE_SIGNER_KEY:
            return None
        return FirebaseHashes(
            signer_key=settings.FIREBASE_SIGNER_KEY,
            salt_separator=settings.FIREBASE_SALT_SEPARATOR,
            rounds=settings.FIREBASE_ROUNDS,
            mem_cost=settings.FIREBASE_MEM_COST,
        )

    @property
    def reserved_usernames(self) -> tuple[str, ...]:
        """Usernames that only an administrator can give."""
        return tuple(settings.RESERVED_USERNAMES)

    @property
    def pwned_passwords_url(self) -> str:
        """The service of leaked passwords, without a trailing slash; "" if no service is asked."""
        return str(settings.PWNED_PASSWORDS_URL)

    @property
    def providers(self) -> dict[str, Provider]:
        """The providers at which people can log in, by id."""
        lists = ("scopes", "audiences")
        return {
            each["id"]: Provider(**each | {name: tuple(each[name]) for name in lists})
            for each in settings.SOCIAL_PROVIDERS
        }

    @property
    def social_redirect_urls(self) -> tuple[str, ...]:
        """The exact URLs to which a browser may return with a provider's code."""
        return tuple(settings.SOCIAL_REDIRECT_URLS)

    @property
    def redis_url(self) -> str:
        """The URL of the Redis that counts for all workers and hosts; "" without one."""
        return str(settings.REDIS_URL)

    @property
    def verify_email_url(self) -> str:
        """A template with {key}."""
        return str(settings.VERIFY_EMAIL_URL)

    @property
    def password_reset_url(self) -> str:
        """A template with {uid} and {token}."""
        return str(settings.PASSWORD_RESET_URL)

    @property
    def trusted_proxy_count(self) -> int:
        return int(settings.TRUSTED_PROXY_COUNT)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """SECRET_KEY, then the former keys that are still accepted."""
        return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


conf = AccountSettings()
