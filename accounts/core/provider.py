from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Somebody else who says who a person is (SOCIAL_PROVIDERS, read by config/providers.py).

    id: in our routes and rows. kind: which protocol and which habits. issuer: whose identities these are; no two
    providers share one. audiences: client ids of our other applications whose id tokens are taken as well.
    team_id, key_id: of Apple, whose client_secret is a private key. trusts_email: whether its word that an address is
    verified is taken. trusts_factors: whether its "mfa" counts as a second factor.
    """

    id: str
    kind: str
    name: str
    client_id: str
    client_secret: str
    issuer: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    team_id: str
    key_id: str
    trusts_email: bool
    trusts_factors: bool

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Provider({self.id!r})"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a provider says somebody is.

    subject: who at the provider; never the address. email: "" where it does not say one. email_is_proved: whether the
    provider has said that it is theirs and its word is taken. has_factor: whether a second factor of theirs counts.
    """

    provider: Provider
    subject: str
    email: str
    email_is_proved: bool
    has_factor: bool = False
