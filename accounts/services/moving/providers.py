from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accounts.services.moving.records import Identity, Values, text

# What others call the providers that allauth knows.
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
    """What providers are called here. given: their names there, and here."""

    given: Mapping[str, str] = field(default_factory=dict)

    def ours(self, theirs: str) -> str:
        return self.given.get(theirs) or KNOWN.get(theirs, theirs)

    def identities(
        self, accounts: Iterable[Values], provider: str, *subject: str, without: tuple[str, ...] = ()
    ) -> list[Identity]:
        """Who somebody is at other providers.

        accounts: one object for each. provider: the name of the value that names the provider. subject: the names of
        the values that may be the id there; the first one that is filled counts. without: no providers, but ways to
        log in at the service itself.
        """
        return [
            Identity(
                provider=self.ours(text(account, provider)),
                subject=next(filter(None, (text(account, name) for name in subject)), ""),
            )
            for account in accounts
            if text(account, provider) not in without
        ]
