from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.services.providers import oidc
from tests.journeys.providers import OURS, Journeys, query_of
from tests.provider import Issuer, issuer, new_key

pytestmark = pytest.mark.django_db


@dataclass
class Acme:
    """The provider of the tests."""

    issuer: Issuer

    @property
    def authorization_endpoint(self) -> str:
        return f"{self.issuer.url}/authorize"

    def send_back(self, url: str, person: str) -> dict[str, str]:
        claims = {"sub": f"{person}-1", "email": f"{person}@example.org", "email_verified": person != "mallory"}
        return {"code": self.issuer.code_for(url, **claims), "state": query_of(url)["state"], "iss": self.issuer.url}

    def change_keys(self) -> None:
        self.issuer.key, self.issuer.key_id = new_key(), "two"

    def stop(self) -> None:
        self.issuer.status = 503
        oidc.forget()


@pytest.fixture
def provider(settings: Any) -> Iterator[Acme]:
    oidc.forget()
    settings.SOCIAL_REDIRECT_URLS = [OURS]
    with issuer() as here:
        settings.SOCIAL_PROVIDERS = [here.entry()]
        yield Acme(here)


class TestProviders(Journeys):
    pass
