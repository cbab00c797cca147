from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accounts.services.moving.records import Identity, Values, text

# The names that other systems use for providers that allauth knows.
KNOWN = {
    **dict.fromkeys(("google.com", "google-oauth2", "oauth_google", "Google"), "google"),
    **dict.fromkeys(("github.com", "oauth_github"), "github"),
    **dict.fromkeys(("apple.com", "oauth_apple", "SignInWithApple"), "apple"),
    **dict.fromkeys(("facebook.com", "oauth_facebook", "Facebook"), "facebook"),
    **dict.fromkeys(("microsoft.com", "windowslive", "oauth_microsoft", "azure"), "microsoft"),
    **dict.fromkeys(("oauth_gitlab",), "gitlab"),
    **dict.fromkeys(("oauth_discord",), "discord"),
}


@dataclass(frozen=True)
class Names:
    """Translates names of providers. given: names in the other system, with our names."""

    given: Mapping[str, str] = field(default_factory=dict)

    def ours(self, theirs: str) -> str:
        return self.given.get(theirs) or KNOWN.get(theirs, theirs)

    def identities(
        self, accounts: Iterable[Values], provider: str, *subject: str, without: tuple[str, ...] = ()
    ) -> list[Identity]:
        """The identities at other providers.

        accounts: one object for each. provider: the key of the provider's name. subject: the keys that may hold the id
        there; the first value that is not empty counts. without: names that are no providers, but ways to log in at the
        service itself.
        """
        return [
            Identity(
                provider=self.ours(text(account, provider)),
                subject=next(filter(None, (text(account, name) for name in subject)), ""),
            )
            for account in accounts
            if text(account, provider) not in without
        ]
