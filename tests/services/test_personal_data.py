"""The export and the deletion of an account cover every table that has a user's key."""

from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from accounts.core import clock
from accounts.models import SecurityEvent, User
from accounts.services import personal_data
from tests.clients.authapi import AuthApi
from tests.flows.context import signed_up
from tests.second_factors import enrol

# The tables of each section.
EXPORTED = {
    "profile": {"accounts.User", "accounts.User_groups"},
    "addresses": {"account.EmailAddress", "accounts.FormerAddress"},
    "second_factors": {"accounts.TotpFactor", "accounts.Passkey", "accounts.RecoveryCode"},
    "providers": {"socialaccount.SocialAccount"},
    "sessions": {"accounts.Session"},
    "security_events": {"accounts.SecurityEvent"},
    "mails": {"accounts.Message"},
    "notes": {"accounts.Note"},
    "saved_views": {"accounts.SavedView"},
}
LEFT_OUT = {
    "accounts.Challenge": "a login that is not finished, for five minutes",
    "accounts.User_user_permissions": "nothing gives one to a user",
    "accounts.Job": "what an administrator asked to be done to others",
    "accounts.JobItem": "what was done is told by the security events",
    "admin.LogEntry": "what an administrator did to others",
}


def tables_of_users() -> set[str]:
    """The label of every table with a foreign key to a user."""

    def has_key(model: type[Model]) -> bool:
        return any(field.concrete and field.related_model is User for field in model._meta.get_fields())

    return {model._meta.label for model in apps.get_models(include_auto_created=True) if has_key(model)}


def test_every_table_with_a_users_key_is_exported_or_left_out_for_a_reason() -> None:
    named = set().union(*EXPORTED.values()) - {"accounts.User"} | set(LEFT_OUT)
    assert tables_of_users() == named
    assert list(personal_data.SECTIONS) == list(EXPORTED)


@pytest.fixture
def alice_with_everything(db: Any) -> User:
    api = AuthApi()
    access = api.register("alice").json()["access"]
    enrol(access)
    return User.objects.with_address().get()


def test_the_copy_tells_all_and_nothing_that_logs_in(alice_with_everything: User) -> None:
    user = alice_with_everything
    copy = {name: [dict(row) for row in rows] for name, rows in personal_data.export(user)}
    assert list(copy) == list(EXPORTED)
    assert (copy["profile"][0]["username"], copy["profile"][0]["email"]) == ("alice", "alice@example.org")
    assert copy["addresses"] == [{"email": "alice@example.org", "verified": False, "primary": True}]
    assert [row["kind"] for row in copy["second_factors"]] == ["totp", "recovery_codes"]
    assert [row["kind"] for row in copy["sessions"]] == ["api"]
    assert [row["kind"] for row in copy["security_events"]] == ["registered", "logged_in", "factor_added"]
    assert [row["kind"] for row in copy["mails"]] == ["verification", "factor_added"]
    text = str(copy)
    for secret in (user.password, user.totp.secret, user.sessions.get().refresh_hash):
        assert secret not in text


def test_an_administrators_address_is_not_the_users(db: Any) -> None:
    user = signed_up()
    for actor_kind in ("administrator", "user"):
        SecurityEvent.objects.create(
            kind="deactivated", at=clock.now(), user=user, actor_kind=actor_kind, ip="192.0.2.1", user_agent="X"
        )
    events = dict(personal_data.export(user))["security_events"]
    assert [(row["actor_kind"], row["ip"]) for row in events] == [("administrator", ""), ("user", "192.0.2.1")]


def test_nothing_is_left_of_a_person_who_is_forgotten(alice_with_everything: User, rows: Any) -> None:
    personal_data.forget(alice_with_everything)
    left = {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label in tables_of_users() and model._default_manager.exists()
    }
    assert left == {"accounts.SecurityEvent": 3}
    assert not SecurityEvent.objects.exclude(user=None, ip="", user_agent="").exists()
