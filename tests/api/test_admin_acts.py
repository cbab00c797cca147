"""A user's page: what a support call needs to know and to do, act by act."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.admin.user_acts import ACTS
from accounts.models import Message, Note, Passkey, SecurityEvent, Session, TotpFactor, User
from tests.api.admin_pages import act, give_factors, page_of, recorded, said, staff_with, state
from tests.clients.authapi import PASSWORD, AuthApi
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_page_says_how_a_user_stands(admin: Client, user: User) -> None:
    shown = page_of(admin, user)
    for mark in ("Active", "E-mail is not verified", "Not locked", "No second factor"):
        assert f">{mark}</li>" in shown
    give_factors(user)
    shown = page_of(admin, user)
    assert "Passkey “Blue key”: added 20" in shown
    assert "Authenticator app: added 20" in shown
    assert "Recovery codes left: 1" in shown


def test_the_page_shows_and_links_what_belongs_to_the_user(admin: Client, user: User) -> None:
    session, mail = Session.objects.get(user=user), Message.objects.get(user=user)
    event = SecurityEvent.objects.filter(user=user).latest("id")
    shown = page_of(admin, user)
    for page, row in (("session", session), ("message", mail), ("securityevent", event)):
        assert f'href="/admin/accounts/{page}/{row.pk}/change/"' in shown
        assert f'href="/admin/accounts/{page}/?user__id__exact={user.pk}"' in shown
    assert f"{session.started_at:%Y-%m-%d %H:%M:%S} UTC" in shown


def test_an_address_is_corrected_at_once(admin: Client, user: User, letters: Mailbox, api: AuthApi) -> None:
    User.objects.filter(pk=user.pk).update(language="uk")
    answer = act(admin, "correct-email", user, email="right@example.org", how="at-once")
    assert said(answer) == [("success", "Done: Correct the address.")]
    user = User.objects.with_address().get(pk=user.pk)
    assert (user.email, user.email_verified) == ("right@example.org", False)
    mails = letters.collect()
    assert sorted(mail.to[0] for mail in mails) == ["alice@example.org", "right@example.org", "right@example.org"]
    # In the language of the user, not of the administrator.
    verification = next(mail for mail in mails if "key=" in mail.body and mail.to == ["right@example.org"])
    assert verification.subject == "Підтвердьте адресу e-mail"
    assert api.verify_email(**link_values(verification)).status_code == 200
    assert recorded() == [("email_changed", "alice", "root")]
    assert "Former address: alice@example.org, until 20" in page_of(admin, user)


def test_an_address_is_corrected_once_the_mailbox_confirms(
    admin: Client, user: User, letters: Mailbox, api: AuthApi
) -> None:
    act(admin, "correct-email", user, email="right@example.org", how="confirmed")
    user.refresh_from_db()
    assert user.email == "alice@example.org"
    confirmation, notice = sorted(letters.collect(), key=lambda mail: mail.to[0], reverse=True)
    assert (confirmation.to, notice.to) == (["right@example.org"], ["alice@example.org"])
    assert api.verify_email(**link_values(confirmation)).status_code == 200
    user = User.objects.with_address().get(pk=user.pk)
    assert (user.email, user.email_verified) == ("right@example.org", True)
    assert recorded() == [("email_change_requested", "alice", "root")]


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("root@example.org", "A user is already registered with this e-mail address."),
        ("ALICE@example.org", "A user is already registered with this e-mail address."),
        ("no address", "Enter a valid email address."),
        ("", "This field is required."),
    ],
)
@pytest.mark.parametrize("how", ["at-once", "confirmed"])
def test_an_address_that_cannot_be_had(
    admin: Client, user: User, rows: Any, email: str, sentence: str, how: str
) -> None:
    before = rows()
    answer = act(admin, "correct-email", user, email=email, how=how)
    assert sentence in answer.content.decode()
    assert (rows(), User.objects.get(pk=user.pk).email) == (before, "alice@example.org")


def test_the_verification_mail_is_sent_again(admin: Client, user: User, letters: Mailbox, api: AuthApi) -> None:
    act(admin, "send-verification", user)
    assert api.verify_email(**link_values(letters.only())).status_code == 200
    assert recorded() == [("verification_requested", "alice", "root")]
    assert "send-verification" not in page_of(admin, user)
    answer = act(admin, "send-verification", user)
    assert said(answer) == [("warning", "The e-mail was verified before, or the account is not active.")]
    assert letters.collect() == []


def test_a_reset_mail_is_sent(admin: Client, user: User, letters: Mailbox) -> None:
    act(admin, "send-reset", user)
    assert letters.only().subject == "Reset your password"
    assert recorded() == [("password_reset_requested", "alice", "root")]


def test_who_is_locked_is_unlocked(admin: Client, user: User, letters: Mailbox) -> None:
    stranger = AuthApi()
    stranger.http = Client(REMOTE_ADDR="192.0.2.99")
    with time_machine.travel(NOON, tick=False):
        client = Client()
        client.post("/admin/login/", {"username": "root", "password": PASSWORD})
        # The owner's own place counts by itself.
        Session.objects.filter(user=user).update(started_at=NOON - timedelta(days=1))
        for _try in range(10):
            assert stranger.login("alice", "wrong-horse-9").status_code == 400
        assert stranger.login("alice").status_code == 429
        shown = page_of(client, user)
        assert ">Locked</li>" in shown
        locked = "From new places: too many wrong passwords within an hour, until 2026-06-01 13:00:00 UTC"
        assert locked in shown
        assert said(act(client, "unlock", user)) == [("success", "Done: Unlock.")]
        assert ">Not locked</li>" in page_of(client, user)
        assert stranger.login("alice").status_code == 200
        answer = act(client, "unlock", user)
        assert said(answer) == [("warning", "Nothing locked the user out; the counts begin anew all the same.")]
    assert recorded() == [("unlocked", "alice", "root")] * 2


def test_sessions_are_ended_and_accounts_deactivated(admin: Client, user: User, api: AuthApi) -> None:
    act(admin, "end-sessions", user)
    assert Session.objects.get(user=user).end_reason == "ended_by_admin"
    act(admin, "deactivate", user)
    assert api.login("alice").status_code == 400
    act(admin, "activate", user)
    assert api.login("alice").status_code == 200
    kinds = [kind for kind, _user, _actor in recorded()]
    assert kinds == ["session_ended", "deactivated", "activated"]


def test_factors_are_removed(admin: Client, user: User, letters: Mailbox) -> None:
    give_factors(user)
    act(admin, "reset-factors", user)
    user.refresh_from_db()
    assert (user.has_second_factor, Passkey.objects.count(), TotpFactor.objects.count()) == (False, 0, 0)
    assert letters.only().subject == "A second factor was removed"
    assert recorded() == [("factor_removed", "alice", "root"), ("session_ended", "alice", "root")]


def test_notes_are_shown_and_go_with_the_user(admin: Client, user: User, root: User) -> None:
    text = "Called about <b>mail</b>.\nNew number."
    act(admin, "note", user, text=text)
    note = Note.objects.get()
    assert (note.user, note.author, note.text) == (user, root, text)
    assert "Called about &lt;b&gt;mail&lt;/b&gt;.<br>New number." in page_of(admin, user)
    assert act(admin, "note", user, text="x" * 2001).status_code == 200
    assert act(admin, "note", user, text=" ").status_code == 200
    assert Note.objects.count() == 1
    assert recorded() == [("note_added", "alice", "root")]
    assert admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Note.objects.count() == 0


def test_unknown_acts_and_unknown_users(admin: Client, user: User) -> None:
    assert admin.get(f"/admin/accounts/user/{user.pk}/act/promote/").status_code == 404
    assert admin.get("/admin/accounts/user/00000000-0000-0000-0000-000000000001/act/unlock/").status_code == 404


VALUES = {"note": {"text": "x"}, "correct-email": {"email": "right@example.org", "how": "at-once"}}


@pytest.mark.parametrize("name", ACTS)
def test_each_act_has_a_permission_of_its_own(user: User, name: str) -> None:
    give_factors(user)
    User.objects.filter(pk=user.pk).update(is_active=name != "activate")
    user.emailaddress_set.update(verified=name == "send-export")
    permission = ACTS[name].permission.removeprefix("accounts.")
    url = f"/admin/accounts/user/{user.pk}/act/{name}/"
    others = Permission.objects.exclude(codename=permission).values_list("codename", flat=True)
    client = staff_with(*others)
    before = state()
    assert f"/act/{name}/" not in page_of(client, user)
    assert client.get(url).status_code == 403
    assert client.post(url, VALUES.get(name, {})).status_code == 403
    assert state() == before
    User.objects.get(username="sam").user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", permission])
    )
    assert f"/act/{name}/" in page_of(client, user)
    assert client.get(url).status_code == 200
    assert state() == before
    assert client.post(url, VALUES.get(name, {})).status_code == 302
    assert state() != before


@pytest.mark.parametrize("name", ACTS)
def test_a_superuser_is_beyond_the_acts_of_staff(root: User, name: str) -> None:
    client = staff_with(*Permission.objects.values_list("codename", flat=True))
    before = state()
    url = f"/admin/accounts/user/{root.pk}/act/{name}/"
    assert "/act/" not in page_of(client, root)
    assert client.get(url).status_code == 403
    assert client.post(url, VALUES.get(name, {})).status_code == 403
    assert state() == before


def test_an_act_needs_its_csrf_token(root: User, user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/admin/login/").cookies["csrftoken"].value
    body = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post("/admin/login/", body).status_code == 302
    assert client.post(f"/admin/accounts/user/{user.pk}/act/deactivate/", {}).status_code == 403
    assert User.objects.get(pk=user.pk).is_active is True


def test_the_address_of_an_administrator_is_corrected_by_superusers_alone(admin: Client, user: User) -> None:
    """Who has the mailbox can reset the password, and would have the permissions of the other."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = staff_with("view_user", "correct_email_user")
    for how in ("at-once", "confirmed"):
        before = state()
        answer = act(client, "correct-email", user, email="right@example.org", how=how)
        assert "Only a superuser may do this to somebody who may use the admin." in answer.content.decode()
        assert state() == before
    act(admin, "correct-email", user, email="right@example.org", how="at-once")
    assert User.objects.get(pk=user.pk).email == "right@example.org"


class TestViewEvents:
    def test_a_look_is_no_event_without_the_setting(self, admin: Client, user: User) -> None:
        page_of(admin, user)
        assert recorded() == []

    def test_each_look_is_an_event(self, admin: Client, user: User, settings: Any) -> None:
        settings.ADMIN_VIEW_EVENTS = "on"
        page_of(admin, user)
        admin.get("/admin/accounts/user/")
        assert recorded() == [("viewed", "alice", "root")]
        assert admin.post(f"/admin/accounts/user/{user.pk}/change/", {"username": "root"}).status_code == 200
        assert recorded() == [("viewed", "alice", "root")]

    def test_a_refused_look_is_no_event(self, user: User, settings: Any) -> None:
        settings.ADMIN_VIEW_EVENTS = "on"
        client = staff_with("view_session")
        assert client.get(f"/admin/accounts/user/{user.pk}/change/").status_code == 403
        assert recorded() == []


def test_a_copy_of_the_data_goes_to_the_user(admin: Client, user: User, letters: Mailbox) -> None:
    assert "Send a copy of the data" not in page_of(admin, user)
    assert act(admin, "send-export", user).status_code == 200
    assert letters.collect() == []
    user.emailaddress_set.update(verified=True)
    assert "Send a copy of the data" in page_of(admin, user)
    assert said(act(admin, "send-export", user)) == [("success", "Done: Send a copy of the data.")]
    assert letters.only().to == ["alice@example.org"]
    assert recorded() == [("export_requested", "alice", "root")]


def test_an_account_is_closed_and_kept(admin: Client, user: User, letters: Mailbox) -> None:
    assert said(act(admin, "close", user)) == [("success", "Done: Close and delete later.")]
    user.refresh_from_db()
    assert (user.is_active, user.deletion_due_at is not None) == (False, True)
    assert letters.only().subject == "Your account will be deleted"
    assert recorded() == [("session_ended", "alice", "root"), ("deletion_requested", "alice", "root")]
    shown = page_of(admin, user)
    assert ">To be deleted</li>" in shown
    assert "Close and delete later" not in shown
    act(admin, "activate", user)
    user.refresh_from_db()
    assert (user.is_active, user.deletion_due_at) == (True, None)


def test_the_page_shows_providers_and_finds_external_ids(admin: Client, user: User) -> None:
    SocialAccount.objects.create(user=user, provider="acme", uid="a1", extra_data={"secret": "not shown"})
    User.objects.update(external_id="auth0|77")
    shown = page_of(admin, user)
    assert "Logs in with acme: connected 20" in shown
    assert "auth0|77" in shown
    assert "not shown" not in shown
    assert "alice@example.org" in admin.get("/admin/accounts/user/", {"q": "auth0|77"}).content.decode()
    assert "alice@example.org" not in admin.get("/admin/accounts/user/", {"q": "auth0|78"}).content.decode()
