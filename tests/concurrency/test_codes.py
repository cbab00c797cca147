"""In every race, a code is spent once and takes five guesses."""

from typing import Any

import pytest

from accounts.models import LoginCode, SecurityEvent, Session, User, VerificationCode
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.concurrency.race import race, rounds, statuses

pytestmark = pytest.mark.django_db(transaction=True)
EMAILS = [f"carol{number}@example.org" for number in range(rounds(25))]


def words(*answers: Any) -> list[str]:
    return sorted(error["extensions"]["code"] for answer in answers for error in answer.json().get("errors", ()))


def test_six_sign_ups_with_one_code_make_one_account() -> None:
    for email in EMAILS:
        code = Durudex().mailed_code(email)

        def sign_up(number: int, email: str = email, code: str = code) -> Any:
            return Durudex(older=bool(number % 2)).sign_up(f"{email[:-12]}-{number}", email, code)

        answers = race(*[lambda n=number, sign_up=sign_up: sign_up(n) for number in range(6)])
        assert words(*answers) == ["INVALID_ARGUMENT"] * 5
        assert User.objects.filter(email=email).count() == 1
    assert User.objects.count() == len(EMAILS)
    # The older document's signUp answers no tokens and starts no session.
    newer = SecurityEvent.objects.filter(kind="logged_in").count()
    assert Session.objects.count() == newer <= len(EMAILS)


def test_one_name_with_four_codes_makes_one_account() -> None:
    for email in EMAILS:
        codes = {f"{letter}{email}": Durudex().mailed_code(f"{letter}{email}") for letter in "abcd"}
        answers = race(
            *[lambda e=each, n=email[:-12], c=code: Durudex().sign_up(n, e, c) for each, code in codes.items()]
        )
        assert words(*answers) == ["ALREADY_EXISTS"] * 3
        kept = VerificationCode.objects.filter(email_key__in=codes).exclude(code_hash="")
        assert list(kept.values_list("tries", flat=True)) == [0, 0, 0]


def test_guesses_are_bounded() -> None:
    for email in EMAILS:
        code = Durudex().mailed_code(email)
        guesses = [f"{(int(code) + number) % 10**6:06d}" for number in range(1, 11)]
        answers = race(*[lambda e=email, g=guess: Durudex().sign_up("carol", e, g) for guess in guesses])
        assert words(*answers) == ["INVALID_ARGUMENT"] * 10
        assert VerificationCode.objects.get(email_key=email).tries == 5
        assert words(Durudex().sign_up("carol", email, code)) == ["INVALID_ARGUMENT"]


def test_no_more_codes_than_allowed(settings: Any) -> None:
    settings.LIMITS = {**settings.LIMITS, "MAILS_PER_HOUR": 5}
    for email in EMAILS:
        answers = race(*[lambda e=email: Durudex().create_code(e)] * 8)
        assert words(*answers) == ["RATE_LIMITED"] * 3


def test_a_forgotten_password_is_set_once() -> None:
    for email in EMAILS:
        name = email[:-12]
        Durudex().register(name)
        code = Durudex().mailed_code(email)
        passwords = [f"battery-staple-{number}" for number in range(4)]
        answers = race(*[lambda e=email, c=code, p=each: Durudex().forgot_password(e, c, p) for each in passwords])
        assert words(*answers) == ["INVALID_ARGUMENT"] * 3
        assert [words(Durudex().login(name, each)) for each in passwords].count([]) == 1


@pytest.fixture
def verified_alice(settings: Any) -> AuthApi:
    settings.LIMITS = {**settings.LIMITS, "WRONG_CODES_PER_DAY": 100_000}
    Durudex().register("alice")
    return AuthApi()


def test_of_eight_logins_with_one_code_one_wins(verified_alice: AuthApi) -> None:
    email = "alice@example.org"
    before = Session.objects.count()
    for number in range(rounds(200)):
        code = verified_alice.login_code(email)
        answers = race(*[lambda code=code: AuthApi().log_in_with_code(email, code)] * 8)  # type: ignore[misc]
        assert statuses(answers) == [200] + [400] * 7
        assert {answer.json()["code"] for answer in answers if answer.status_code == 400} == {"invalid_code"}
        assert Session.objects.count() == before + number + 1


def test_guesses_at_a_code_to_log_in_are_bounded(verified_alice: AuthApi) -> None:
    email = "alice@example.org"
    before = Session.objects.count()
    for _ in range(rounds(25)):
        code = verified_alice.login_code(email)
        guesses = [f"{(int(code) + number) % 10**6:06d}" for number in range(1, 11)]
        answers = race(*[lambda g=guess: AuthApi().log_in_with_code(email, g) for guess in guesses])
        assert statuses(answers) == [400] * 10
        assert LoginCode.objects.get().tries == 5
        assert verified_alice.log_in_with_code(email, code).status_code == 400
    assert Session.objects.count() == before


def test_a_login_with_a_code_and_a_reset(verified_alice: AuthApi) -> None:
    """In either order, after the reset only later logins have sessions."""
    email = "alice@example.org"
    for number in range(rounds(100)):
        code, other = verified_alice.login_code(email), Durudex().mailed_code(email)
        answers = race(
            lambda code=code: AuthApi().log_in_with_code(email, code),  # type: ignore[misc]
            lambda other=other, number=number: Durudex().forgot_password(email, other, f"battery-staple-{number}"),  # type: ignore[misc]
        )
        assert words(answers[1]) == []
        assert answers[0].status_code in (200, 400)
        assert Session.objects.filter(ended_at=None).count() == 0
