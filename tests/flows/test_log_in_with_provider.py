"""The account of a login with another provider (Sudhodanan & Paverd, USENIX Security 2022)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount

from accounts.core import clock
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity, Provider
from accounts.flows.log_in_with_provider import connect_provider, disconnect_provider, log_in_with_provider
from accounts.flows.report_not_me import report_not_me
from accounts.models import Message, Session, TotpFactor, User
from accounts.services import identities, passwords
from accounts.services.logins import LoggedIn
from tests.clients.authapi import AuthApi
from tests.flows.context import ADDRESS, client, event, forget, logged_in, mailed, recorded, refusal, signed_up
from tests.second_factors import enrol

pytestmark = pytest.mark.django_db(transaction=True)
ACME = Provider(
    id="acme",
    kind="openid_connect",
    name="Acme",
    client_id="c",
    client_secret="s",
    issuer="https://acme.example",
    scopes=(),
    audiences=(),
    team_id="",
    key_id="",
    trusts_email=True,
    trusts_factors=False,
)


def alice(**changes: Any) -> Identity:
    """The identity that Acme names: Alice, with a verified address."""
    return Identity(**{"provider": ACME, "subject": "a1", "email": ADDRESS, "email_is_proved": True, **changes})


def log_in(identity: Identity) -> LoggedIn:
    return log_in_with_provider(ask=lambda: identity, context=client())


def refused(identity: Identity) -> ErrorCode:
    return refusal(log_in_with_provider, ask=lambda: identity).code


def state() -> tuple[Any, ...]:
    """Everything that a refusal must not change."""
    return (
        list(User.objects.order_by("pk").values()),
        list(Session.objects.order_by("pk").values()),
        list(SocialAccount.objects.order_by("pk").values("user", "provider", "uid")),
        Message.objects.count(),
    )


class TestNewAccounts:
    def test_a_proved_address(self) -> None:
        user = log_in(alice()).user
        assert (user.email, user.username, user.email_verified) == (ADDRESS, "alice", True)
        assert not user.has_usable_password()
        assert recorded() == [event("registered", "user"), event("logged_in", "user")]
        assert mailed() == []
        assert Session.objects.get().amr == "provider"
        assert SocialAccount.objects.values_list("provider", "uid", "extra_data").get() == (
            "acme",
            "a1",
            {"issuer": "https://acme.example", "email": ADDRESS},
        )

    def test_an_address_that_is_not_proved(self) -> None:
        assert not log_in(alice(email_is_proved=False)).user.email_verified
        assert mailed() == [("verification", ADDRESS)]

    def test_an_address_that_is_not_proved_where_verification_is_mandatory(self, settings: Any) -> None:
        settings.EMAIL_VERIFICATION = "mandatory"
        assert refused(alice(email_is_proved=False)) == ErrorCode.EMAIL_NOT_VERIFIED
        assert mailed() == [("verification", ADDRESS)]
        assert (User.objects.count(), Session.objects.count()) == (1, 0)

    @pytest.mark.parametrize("email", ["", "x", "a@b@c", "a" * 300 + "@example.org"])
    def test_no_address(self, email: str) -> None:
        assert refused(alice(email=email)) == ErrorCode.PROVIDER_WITHOUT_EMAIL
        assert state() == ([], [], [], 0)

    def test_a_taken_username(self) -> None:
        signed_up("alice")
        User.objects.update(email="other@example.org", email_key="other@example.org")
        assert log_in(alice()).user.username.startswith("alice-")


class TestNextTime:
    def test_the_subject_counts_and_not_the_address(self) -> None:
        user = log_in(alice()).user
        assert log_in(alice(email="moved@example.org", email_is_proved=False)).user == user
        assert User.objects.get().email == ADDRESS
        assert refused(alice(subject="a2", email_is_proved=False)) == ErrorCode.PROVIDER_USER_EXISTS

    def test_an_account_that_is_not_active(self) -> None:
        log_in(alice())
        User.objects.update(is_active=False)
        before = state()
        assert refused(alice()) == ErrorCode.INVALID_CREDENTIALS
        assert state() == before

    def test_another_issuer_under_the_same_id(self) -> None:
        log_in(alice())
        SocialAccount.objects.update(extra_data={"issuer": "https://acme.example/old"})
        assert refused(alice()) == ErrorCode.PROVIDER_REFUSED

    def test_a_row_that_allauth_has_written(self) -> None:
        user = log_in(alice()).user
        SocialAccount.objects.update(extra_data={"sub": "a1", "name": "Alice"})
        assert log_in(alice()).user == user

    def test_the_second_factor_is_asked_for(self) -> None:
        user = log_in(alice()).user
        enrol(log_in(alice()).tokens.access)
        assert refused(alice()) == ErrorCode.MFA_REQUIRED
        login = log_in(alice(has_factor=True))
        assert (login.user, login.session.amr) == (user, "provider provider_mfa")


class TestAnAccountWithTheAddress:
    def test_both_have_proved_it(self) -> None:
        user = signed_up()
        user.emailaddress_set.update(verified=True)
        assert log_in(alice()).user == user
        assert User.objects.get().has_usable_password()
        assert recorded() == [event("identity_added", "user"), event("logged_in", "user")]
        assert mailed() == [("identity_added", ADDRESS)]
        assert "/not-me?key=" in Message.objects.get().text

    def test_the_provider_has_not(self) -> None:
        signed_up().emailaddress_set.update(verified=True)
        before = state()
        assert refused(alice(email_is_proved=False)) == ErrorCode.PROVIDER_USER_EXISTS
        assert state() == before

    def test_the_provider_wins_over_an_address_that_nobody_has_proved(self) -> None:
        """The person who registered it chose the password, and may have added factors and providers."""
        user = signed_up()
        attackers = logged_in()
        enrol(attackers.tokens.access)
        identities.link(user, alice(subject="attacker"))
        forget()
        login = log_in(alice())
        user = User.objects.with_address().get()
        assert (login.user, user.email_verified, user.has_usable_password()) == (user, True, False)
        assert Session.objects.get(pk=attackers.session.pk).end_reason == "password_reset"
        assert not TotpFactor.objects.exists()
        assert [row.uid for row in SocialAccount.objects.all()] == ["a1"]
        assert AuthApi().login("alice").status_code == 400
        assert mailed() == [("identity_added", ADDRESS)]
        # The notice goes to an address that was not verified before.
        assert "/not-me?key=" not in Message.objects.get().text

    @pytest.mark.parametrize("role", ["is_staff", "is_superuser"])
    @pytest.mark.parametrize("verified", [True, False])
    def test_never_joins_an_account_of_an_administrator(self, role: str, verified: bool) -> None:
        signed_up().emailaddress_set.update(verified=verified)
        User.objects.update(**{role: True})
        before = state()
        assert refused(alice()) == ErrorCode.PROVIDER_USER_EXISTS
        assert state() == before

    def test_never_one_that_is_not_active(self) -> None:
        signed_up().emailaddress_set.update(verified=True)
        User.objects.update(is_active=False)
        before = state()
        assert refused(alice()) == ErrorCode.PROVIDER_USER_EXISTS
        assert state() == before


class TestConnecting:
    @pytest.fixture
    def session(self) -> Session:
        signed_up().emailaddress_set.update(verified=True)
        return logged_in().session

    def connect(self, session: Session, identity: Identity) -> User:
        context = client().by_user(session.user_id)
        return connect_provider(session=session, ask=lambda: identity, context=context)

    def test_any_identity_of_ones_own(self, session: Session) -> None:
        self.connect(session, alice(email="elsewhere@example.org", email_is_proved=False))
        assert recorded() == [event("identity_added", "user")]
        assert mailed() == [("identity_added", ADDRESS)]
        assert log_in(alice(email="")).user == session.user

    def test_an_identity_of_another_user_is_refused(self, session: Session) -> None:
        log_in(alice(subject="b1", email="bob@example.org"))
        before = state()
        code = refusal(connect_provider, session=session, ask=lambda: alice(subject="b1")).code
        assert (code, state()) == (ErrorCode.IDENTITY_TAKEN, before)

    def test_it_asks_for_a_recent_proof(self, session: Session) -> None:
        session.auth_time -= timedelta(minutes=11)
        asked: list[int] = []

        def ask() -> Identity:
            asked.append(1)
            return alice()

        assert refusal(connect_provider, session=session, ask=ask).code == ErrorCode.REAUTHENTICATION_REQUIRED
        assert asked == []

    def test_this_was_not_me_takes_it_back(self, session: Session) -> None:
        self.connect(session, alice())
        key = link_key()
        report_not_me(key=key, context=client())
        assert not SocialAccount.objects.exists()

    def test_it_leaves_what_was_there_before(self, session: Session) -> None:
        identities.link(session.user, alice(subject="old"))
        with time_machine.travel(clock.now() + timedelta(minutes=1)):
            self.connect(session, alice())
            report_not_me(key=link_key(), context=client())
        assert [row.uid for row in SocialAccount.objects.all()] == ["old"]

    def test_disconnecting(self, session: Session) -> None:
        self.connect(session, alice())
        forget()
        disconnect_provider(session=session, id=SocialAccount.objects.get().pk, context=client())
        assert not SocialAccount.objects.exists()
        assert mailed() == [("identity_removed", ADDRESS)]

    def test_the_last_way_in_stays(self) -> None:
        session = log_in(alice()).session
        row = SocialAccount.objects.get()
        assert refusal(disconnect_provider, session=session, id=row.pk).code == ErrorCode.LAST_WAY_IN
        passwords.put(session.user, to=passwords.make_hash("battery-staple-7"))
        disconnect_provider(session=session, id=row.pk, context=client())
        assert not SocialAccount.objects.exists()

    def test_somebody_elses_stays(self, session: Session) -> None:
        other = log_in(alice(subject="b1", email="bob@example.org")).user
        row = SocialAccount.objects.get(user=other)
        for id in (row.pk, 0, 10**9):
            assert refusal(disconnect_provider, session=session, id=id).code == ErrorCode.IDENTITY_NOT_FOUND
        assert SocialAccount.objects.get() == row


def link_key() -> str:
    text = Message.objects.filter(kind="identity_added").latest("id").text
    return text.split("/not-me?key=")[1].split()[0]


def test_refusals_of_the_provider_are_bounded(settings: Any) -> None:
    settings.LIMITS = {**settings.LIMITS, "WRONG_KEYS_PER_IP": 3}

    def ask() -> Identity:
        raise AccountError(ErrorCode.PROVIDER_REFUSED)

    codes = [refusal(log_in_with_provider, ask=ask).code for _ in range(4)]
    assert codes == [ErrorCode.PROVIDER_REFUSED] * 3 + [ErrorCode.RATE_LIMITED]
