"""In every race, no session forks, nothing is spent twice, and no session lives on after its acknowledged end."""

from typing import Any

import pytest

from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer import change_user
from accounts.models import SecurityEvent, Session, User
from accounts.models.session import EndReason
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.concurrency.race import race, rounds, statuses
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db(transaction=True)
ADMIN = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.ADMIN)


def assert_no_live_head(api: AuthApi, *token_answers: Any) -> None:
    """Every token in these answers is refused."""
    for answer in token_answers:
        if answer.status_code in (200, 201):
            assert api.user(answer.json()["access"]).status_code == 401
            assert api.verify(answer.json()["refresh"]).status_code == 401


def test_refresh_with_refresh(api: AuthApi) -> None:
    head = api.register("alice").json()["refresh"]
    for _ in range(rounds(200)):
        answers = race(*[lambda: api.refresh(head)] * 8)
        assert statuses(answers) == [200] * 8
        heads = {answer.json()["refresh"] for answer in answers}
        assert len(heads) == 1
        (head,) = heads
    assert Session.objects.count() == 1
    assert Session.objects.get().ended_at is None


def test_refresh_with_refresh_without_grace(api: AuthApi, settings: Any) -> None:
    settings.REFRESH_GRACE_SECONDS = 0
    for number in range(rounds(60)):
        head = api.register(f"user{number}").json()["refresh"]
        answers = race(*[lambda head=head: api.refresh(head)] * 4)
        # Requests before the winner's end get the winner's token or none. Later requests replay an old token.
        assert set(statuses(answers)) <= {200, 401}
        assert len({answer.json()["refresh"] for answer in answers if answer.status_code == 200}) == 1


def test_refresh_with_logout(api: AuthApi) -> None:
    for number in range(rounds(100)):
        first = api.register(f"user{number}") if number == 0 else api.login("user0")
        tokens = first.json()
        *refreshes, out = race(
            *[lambda t=tokens: api.refresh(t["refresh"])] * 3, lambda t=tokens: api.logout(t["access"])
        )
        assert out.status_code == 200
        assert set(statuses(refreshes)) <= {200, 401}
        assert_no_live_head(api, first, *refreshes)
    assert set(Session.objects.values_list("end_reason", flat=True)) == {EndReason.LOGGED_OUT}


def test_refresh_with_password_change(api: AuthApi) -> None:
    keeper = api.register("alice").json()
    old, new = PASSWORD, NEW_PASSWORD
    for _ in range(rounds(100)):
        other = api.login("alice", old)
        tokens = other.json()
        *refreshes, changed = race(
            *[lambda t=tokens: api.refresh(t["refresh"])] * 3,
            lambda pair=(old, new): api.change_password(keeper["access"], *pair),
        )
        assert changed.status_code == 200
        assert set(statuses(refreshes)) <= {200, 401}
        assert_no_live_head(api, other, *refreshes)
        assert api.user(keeper["access"]).status_code == 200
        old, new = new, old


def test_refresh_and_login_with_reset(api: AuthApi, letters: Mailbox) -> None:
    api.register("alice")
    old, new = PASSWORD, NEW_PASSWORD
    for _ in range(rounds(100)):
        letters.collect()
        first = api.login("alice", old)
        api.reset("alice@example.org")
        values = link_values(letters.only())
        refreshed, logged_in, reset = race(
            lambda first=first: api.refresh(first.json()["refresh"]),
            lambda old=old: api.login("alice", old),
            lambda values=values, new=new: api.confirm_reset(**values, new=new),
        )
        assert reset.status_code == 200
        assert refreshed.status_code in (200, 401)
        assert logged_in.status_code in (200, 400)
        # A login with the old password either came before the reset, which ended it, or was refused.
        assert_no_live_head(api, first, refreshed, logged_in)
        old, new = new, old


def test_refresh_and_login_with_deactivation(api: AuthApi) -> None:
    api.register("alice")
    for _ in range(rounds(100)):
        first = api.login("alice")
        user = User.objects.get()
        refreshed, logged_in, _ = race(
            lambda first=first: api.refresh(first.json()["refresh"]),
            lambda: api.login("alice"),
            lambda user=user: change_user(user=user, is_active=False, context=ADMIN),
        )
        assert refreshed.status_code in (200, 401)
        assert logged_in.status_code in (200, 400)
        assert_no_live_head(api, first, refreshed, logged_in)
        assert not Session.objects.filter(ended_at=None).exists()
        change_user(user=User.objects.get(), is_active=True, context=ADMIN)


def test_reset_token_is_spent_once(api: AuthApi, letters: Mailbox) -> None:
    api.register("alice")
    for number in range(rounds(40)):
        letters.collect()
        api.reset("alice@example.org")
        values = link_values(letters.only())
        answers = race(*[lambda n=n: api.confirm_reset(**values, new=f"horse-number-{number}-{n}") for n in range(4)])
        assert statuses(answers) == [200, 400, 400, 400]


def test_verification_key_is_spent_once(api: AuthApi, letters: Mailbox) -> None:
    for number in range(rounds(40)):
        api.register(f"user{number}")
        key = link_values(letters.only())["key"]
        assert statuses(race(*[lambda key=key: api.verify_email(key)] * 4)) == [200, 400, 400, 400]
        assert SecurityEvent.objects.filter(kind="email_verified").count() == number + 1


@pytest.mark.parametrize("same", ["username", "email"])
def test_registrations_of_one_name(api: AuthApi, same: str) -> None:
    for number in range(rounds(20)):

        def register(n: int, number: int = number) -> Any:
            if same == "username":
                return api.register(f"name{number}", email=f"{number}-{n}@example.org")
            return api.register(f"name{number}-{n}", email=f"{number}@example.org")

        answers = race(*[lambda n=n: register(n) for n in range(8)])
        assert statuses(answers) == [201] + [400] * 7
        refusals = {answer.content for answer in answers if answer.status_code == 400}
        assert len(refusals) == 1
    assert User.objects.count() == rounds(20)


def test_profiles_of_one_name(api: AuthApi) -> None:
    tokens = [api.register(f"user{n}").json()["access"] for n in range(6)]
    for number in range(rounds(20)):
        body = {"username": f"wanted{number}"}
        answers = race(*[lambda t=t: api.call("PATCH", "user/", body, token=t) for t in tokens])
        assert statuses(answers) == [200] + [400] * 5


def test_first_signing_key_is_made_once(api: AuthApi) -> None:
    from accounts.models import SigningKey
    from accounts.services import keys

    for _ in range(rounds(20)):
        SigningKey.objects.all().delete()
        keys.forget()
        kids = race(*[lambda: keys.signing_key()[0]] * 8)
        assert len(set(kids)) == 1
        assert SigningKey.objects.count() == 1


def test_end_others_with_reset_waits_in_line(api: AuthApi, letters: Mailbox) -> None:
    api.register("alice")
    password = PASSWORD
    for number in range(rounds(20)):
        letters.collect()
        logins = [api.login("alice", password).json()["access"] for _ in range(4)]
        api.reset("alice@example.org")
        values = link_values(letters.only())
        password = f"horse-number-{number}"
        *others, reset = race(
            *[lambda t=t: api.call("POST", "sessions/end-others/", token=t) for t in logins[:3]],
            lambda values=values, new=password: api.confirm_reset(**values, new=new),
        )
        assert reset.status_code == 200
        assert set(statuses(others)) <= {200, 401}
        assert not Session.objects.filter(ended_at=None).exists()
