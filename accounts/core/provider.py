from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Another service at which people log in (SOCIAL_PROVIDERS, read by config/providers.py).

    id: its name in our routes and rows. kind: its protocol, with its peculiarities. issuer: who issues these
    identities; no two providers have the same issuer. audiences: client ids of our other applications; their id tokens
    are accepted too. team_id, key_id: for Apple alone, whose client_secret is a private key. trusts_email: whether we
    believe it that an address is verified. trusts_factors: whether its "mfa" counts as a second factor.
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
        """Leaves out the secret."""
        return f"Provider({self.id!r})"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A person, as a provider names them.

    subject: the person's id at the provider; never the address. email: "" if the provider names none. email_is_proved:
    whether the provider says that the address is verified, and we believe it. has_factor: whether the provider has
    checked a second factor, and that counts here.
    """

    provider: Provider
    subject: str
    email: str
    email_is_proved: bool
    has_factor: bool = False
