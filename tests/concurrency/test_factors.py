"""One code, one recovery code, one challenge: of eight at once exactly one wins."""

from typing import Any

import pytest

from accounts.core import clock
from accounts.models import RecoveryCode, Session, TotpFactor, User
from accounts.services import links
from tests.clients.authapi import PASSWORD, AuthApi
from tests.concurrency.race import race, rounds, statuses
from tests.passkeys import Authenticator as Passkey
from tests.second_factors import Authenticator, enrol

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def authenticator(api: AuthApi, settings: Any) -> Authenticator:
    settings.LIMITS = {**settings.LIMITS, "WRONG_FACTORS_PER_HOUR": 100_000}
    return enrol(api.register("alice").json()["access"])


def challenges(api: AuthApi, number: int) -> list[str]:
    return [api.login("alice").json()["challenge"] for _ in range(number)]


def answer(api: AuthApi, challenge: str, code: str) -> Any:
    return api.call("POST", "mfa/verify/", {"challenge": challenge, "code": code})


def live() -> int:
    return Session.objects.filter(ended_at=None).count()


def test_one_step_over_eight_challenges(api: AuthApi, authenticator: Authenticator) -> None:
    opened = challenges(api, 8)
    for number in range(rounds(40)):
        TotpFactor.objects.update(last_step=0)
        code = authenticator.at(clock.now())
        answers = race(*[lambda one=one: answer(api, one, code) for one in opened])  # type: ignore[misc]
        assert statuses(answers) == [200] + [400] * 7
        assert live() == number + 2
        opened = challenges(api, 8)


def test_one_recovery_code_over_eight_challenges(api: AuthApi, authenticator: Authenticator) -> None:
    for code in authenticator.recovery_codes:
        opened = challenges(api, 8)
        answers = race(*[lambda one=one, code=code: answer(api, one, code) for one in opened])  # type: ignore[misc]
        assert statuses(answers) == [200] + [400] * 7
    assert (RecoveryCode.objects.count(), live()) == (0, 11)


def test_one_challenge_with_eight_codes(api: AuthApi, authenticator: Authenticator) -> None:
    (opened,) = challenges(api, 1)
    answers = race(*[lambda code=code: answer(api, opened, code) for code in authenticator.recovery_codes[:8]])  # type: ignore[misc]
    assert statuses(answers) == [200] + [400] * 7
    # A request that loses the challenge does not spend the code.
    assert (RecoveryCode.objects.count(), live()) == (9, 2)


def test_one_enrolment(api: AuthApi) -> None:
    access = api.register("bob").json()["access"]
    import pyotp

    offer = api.call("GET", "mfa/totp/activate/", token=access).json()
    body = {"activation_token": offer["activation_token"], "code": pyotp.TOTP(offer["secret"]).now()}
    answers = race(*[lambda: api.call("POST", "mfa/totp/activate/", body, token=access)] * 8)
    assert statuses(answers) == [200] + [409] * 7
    assert (TotpFactor.objects.count(), RecoveryCode.objects.count()) == (1, 10)


def test_a_reset_beside_an_answer(api: AuthApi, authenticator: Authenticator) -> None:
    """After a reset, a challenge of the old password leads to no session."""
    user = User.objects.with_address().get()
    for code in authenticator.recovery_codes:
        (opened,) = challenges(api, 1)
        new = f"battery-staple-{len(code)}-{code[:4]}"
        token = links.reset_token(user)
        reset, answered = race(
            lambda token=token, new=new: api.confirm_reset(token.partition(".")[0], token, new),
            lambda opened=opened, code=code: answer(api, opened, code),
        )
        assert reset.status_code == 200
        assert answered.status_code in (200, 400)
        assert live() == 0
        user = User.objects.with_address().get()
        user.set_password(PASSWORD)
        user.save()


def test_one_answer_of_a_passkey(api: AuthApi) -> None:
    access = api.register("carol").json()["access"]
    device = Passkey()
    begun = api.call("POST", "passkeys/register/begin/", {}, token=access).json()
    body = {"state": begun["state"], "credential": device.create(begun["options"]), "name": "Phone"}
    assert api.call("POST", "passkeys/register/complete/", body, token=access).status_code == 201
    for number in range(rounds(40)):
        begun = api.call("POST", "passkeys/login/begin/", {}).json()
        body = {"state": begun["state"], "credential": device.get(begun["options"])}
        answers = race(*[lambda body=body: api.call("POST", "passkeys/login/complete/", body)] * 8)  # type: ignore[misc]
        assert statuses(answers) == [200] + [400] * 7
        assert live() == number + 2
