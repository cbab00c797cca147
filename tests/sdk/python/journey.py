"""The journey with the SDK of openapi-generator's `python`."""

import os
from collections.abc import Callable

import accounts_sdk as sdk

USERNAME, PASSWORD, NEW_PASSWORD = os.environ["USERNAME"], "correct-horse-9", "battery-staple-7"


class RefreshingClient(sdk.ApiClient):
    """Asks for new tokens where the access token is refused, and tries once more."""

    refresh = ""

    def call_api(self, method, url, header_params=None, *args, **kwargs):
        answer = super().call_api(method, url, header_params, *args, **kwargs)
        if answer.status == 401 and self.refresh and not url.endswith("/token/refresh/"):
            tokens = sdk.AuthApi(self).auth_token_refresh_create(sdk.TokenRefreshRequest(refresh=self.refresh))
            self.keep(tokens)
            header_params = {**(header_params or {}), "Authorization": f"Bearer {tokens.access}"}
            answer = super().call_api(method, url, header_params, *args, **kwargs)
        return answer

    def keep(self, tokens: sdk.JWT | sdk.TokenRefresh) -> None:
        self.configuration.access_token, self.refresh = tokens.access, tokens.refresh


def refused(call: Callable[[], object], status: int) -> sdk.ApiException:
    try:
        call()
    except sdk.ApiException as error:
        if error.status == status:
            return error
        raise
    raise AssertionError(f"{status} was expected")


def step(name: str) -> None:
    print("step", name, flush=True)


client = RefreshingClient(sdk.Configuration(host=os.environ["SERVER"]))
auth, user = sdk.AuthApi(client), sdk.UserApi(client)


def log_in(password: str) -> sdk.JWT:
    return auth.auth_login_create(sdk.LoginRequest(username=USERNAME, password=password))


person = sdk.RegistrationRequest(
    username=USERNAME, email=f"{USERNAME}@example.org", password1=PASSWORD, password2=PASSWORD
)
# Who sends it again under this key gets the same answer.
key = f"register-{USERNAME}"
assert auth.auth_registration_create(person, idempotency_key=key).user.username == USERNAME
step("register")

taken = refused(lambda: auth.auth_registration_create(person), 400)
assert isinstance(taken.data, sdk.RegistrationRefusal)
assert taken.data.username
step("taken")

tokens = log_in(PASSWORD)
client.keep(tokens)
step("login")

wrong = refused(lambda: log_in("wrong-horse-9"), 400)
assert isinstance(wrong.data, sdk.LoginRefusal)
assert wrong.data.non_field_errors
step("wrong")

assert user.auth_user_retrieve().email == f"{USERNAME}@example.org"
step("profile")

client.keep(auth.auth_token_refresh_create(sdk.TokenRefreshRequest(refresh=client.refresh)))
assert client.refresh != tokens.refresh
step("refresh")

kept, client.refresh, client.configuration.access_token = client.refresh, "", "dead"
dead = refused(user.auth_user_retrieve, 401)
assert dead.data.code is sdk.ErrorCode.TOKEN_NOT_VALID
step("dead")

client.refresh = kept
assert user.auth_user_retrieve().username == USERNAME
assert client.refresh != kept
step("renew")

change = sdk.PasswordChangeRequest(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
assert auth.auth_password_change_create(change).detail
refused(lambda: log_in(PASSWORD), 400)
step("change")

assert auth.auth_logout_create().detail
step("logout")

client.refresh = ""
assert refused(user.auth_user_retrieve, 401).data.code is sdk.ErrorCode.TOKEN_NOT_VALID
step("after")

statuses = []
while 429 not in statuses:
    try:
        log_in("wrong-horse-9")
    except sdk.ApiException as error:
        statuses.append(error.status)
        limited = error
assert set(statuses) == {400, 429}, statuses
assert limited.data.code is sdk.ErrorCode.RATE_LIMITED
assert int(limited.headers["Retry-After"]) > 0
step("limited")
