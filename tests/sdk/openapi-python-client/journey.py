"""The journey with the SDK of openapi-python-client."""

import os
from collections.abc import Iterator
from typing import Any

import httpx
from accounts_sdk import Client
from accounts_sdk.api.auth import (
    auth_login_create,
    auth_logout_create,
    auth_password_change_create,
    auth_registration_create,
    auth_token_refresh_create,
)
from accounts_sdk.api.user import auth_user_retrieve
from accounts_sdk.models import (
    JWT,
    ErrorCode,
    LoginRefusal,
    LoginRequest,
    PasswordChangeRequest,
    Refusal,
    RegistrationRefusal,
    RegistrationRequest,
    RestAuthDetail,
    TokenRefresh,
    TokenRefreshRequest,
    UserDetails,
)

SERVER, USERNAME = os.environ["SERVER"], os.environ["USERNAME"]
PASSWORD, NEW_PASSWORD = "correct-horse-9", "battery-staple-7"
anyone = Client(base_url=SERVER)


class Refreshing(httpx.Auth):
    """Asks for new tokens where the access token is refused, and tries once more."""

    access = refresh = ""

    def sync_auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        request.headers["Authorization"] = f"Bearer {self.access}"
        answer = yield request
        if answer.status_code == 401 and self.refresh:
            self.renew()
            request.headers["Authorization"] = f"Bearer {self.access}"
            yield request

    def renew(self) -> None:
        tokens = auth_token_refresh_create.sync(client=anyone, body=TokenRefreshRequest(refresh=self.refresh))
        assert isinstance(tokens, TokenRefresh)
        self.access, self.refresh = tokens.access, tokens.refresh


def step(name: str) -> None:
    print("step", name, flush=True)


def log_in(password: str) -> Any:
    return auth_login_create.sync_detailed(client=anyone, body=LoginRequest(username=USERNAME, password=password))


me = Refreshing()
client: Any = Client(base_url=SERVER, httpx_args={"auth": me})

email = f"{USERNAME}@example.org"
person = RegistrationRequest(username=USERNAME, email=email, password1=PASSWORD, password2=PASSWORD)
# Who sends it again under this key gets the same answer.
key = f"register-{USERNAME}"
registered = auth_registration_create.sync(client=anyone, body=person, idempotency_key=key)
assert isinstance(registered, JWT), registered
step("register")

taken = auth_registration_create.sync_detailed(client=anyone, body=person)
assert taken.status_code == 400
assert isinstance(taken.parsed, RegistrationRefusal)
assert taken.parsed.username
step("taken")

tokens = log_in(PASSWORD).parsed
me.access, me.refresh = tokens.access, tokens.refresh
step("login")

wrong = log_in("wrong-horse-9")
assert wrong.status_code == 400
assert isinstance(wrong.parsed, LoginRefusal)
assert wrong.parsed.non_field_errors
step("wrong")

profile = auth_user_retrieve.sync(client=client)
assert isinstance(profile, UserDetails)
assert profile.email == email
step("profile")

me.renew()
assert me.refresh != tokens.refresh
step("refresh")

kept, me.refresh, me.access = me.refresh, "", "dead"
dead = auth_user_retrieve.sync(client=client)
assert isinstance(dead, Refusal)
assert dead.code is ErrorCode.TOKEN_NOT_VALID
step("dead")

me.refresh = kept
assert isinstance(auth_user_retrieve.sync(client=client), UserDetails)
assert me.refresh != kept
step("renew")

change = PasswordChangeRequest(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
assert isinstance(auth_password_change_create.sync(client=client, body=change), RestAuthDetail)
assert log_in(PASSWORD).status_code == 400
step("change")

assert isinstance(auth_logout_create.sync(client=client), RestAuthDetail)
step("logout")

me.refresh = ""
after = auth_user_retrieve.sync(client=client)
assert isinstance(after, Refusal)
assert after.code is ErrorCode.TOKEN_NOT_VALID
step("after")

answers = [log_in("wrong-horse-9")]
while answers[-1].status_code == 400:
    answers.append(log_in("wrong-horse-9"))
limited = answers[-1]
assert limited.status_code == 429
assert isinstance(limited.parsed, Refusal)
assert limited.parsed.code is ErrorCode.RATE_LIMITED
assert int(limited.headers["Retry-After"]) > 0
step("limited")
