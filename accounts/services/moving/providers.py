from collections.abc import Mapping
from dataclasses import dataclass, field

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
