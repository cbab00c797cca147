"""What the admin says after an action: for how many it was done, and why not for the others."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Message, Session, User
from tests.api.test_admin import act
from tests.clients.authapi import AuthApi
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


def said(answer: Any) -> list[tuple[str, str]]:
    """Level and text of each message on the page."""
    return re.findall(r'<li class="(\w+)">([^<]*)</li>', answer.content.decode())


@pytest.fixture
def both(api: AuthApi, alice: Any, letters: Mailbox) -> tuple[User, User]:
    """alice, and bob who is not active; both not verified and with a session; nothing is left in the outbox."""
    api.register("bob")
    User.objects.filter(username="bob").update(is_active=False)
    letters.collect()
    Message.objects.all().delete()
    return User.objects.get(username="alice"), User.objects.get(username="bob")


def test_no_reset_mail_to_who_is_not_active(admin: Client, both: tuple[User, User], letters: Mailbox) -> None:
    alice, bob = both
    assert said(act(admin, "send_reset_mail", bob)) == [("warning", "Not done for 1 user: The account is not active.")]
    assert letters.collect() == []
    assert said(act(admin, "send_reset_mail", alice, bob)) == [
        ("success", "Done for 1 user."),
        ("warning", "Not done for 1 user: The account is not active."),
    ]
    assert letters.only().to == ["alice@example.org"]


def test_mail_is_in_the_language_of_its_reader(admin: Client, both: tuple[User, User], letters: Mailbox) -> None:
    alice, _bob = both
    User.objects.filter(pk=alice.pk).update(language="uk")
    act(admin, "send_reset_mail", alice)
    assert letters.only().subject == "Скидання пароля"


def test_what_was_so_before_is_not_done(admin: Client, both: tuple[User, User]) -> None:
    for action, first, again in (
        ("mark_verified", "Done for 2 users.", "Not done for 2 users: The e-mail was verified before."),
        ("end_all_sessions", "Done for 2 users.", "Not done for 2 users: There was no session to end."),
        ("deactivate", "Done for 1 user.", "Not done for 2 users: The account is not active."),
        ("activate", "Done for 2 users.", "Not done for 2 users: The account was active before."),
    ):
        assert said(act(admin, action, *both))[0] == ("success", first)
        assert said(act(admin, action, *both)) == [("warning", again)]


def test_one_refusal_does_not_hide_what_was_done(admin: Client, both: tuple[User, User], root: User) -> None:
    alice, _bob = both
    told = [
        ("success", "Done for 1 user."),
        ("warning", "Not done for 1 user: The last active superuser has to stay."),
    ]
    assert sorted(said(act(admin, "deactivate", root, alice))) == told
    assert set(User.objects.values_list("username", "is_active")) == {("root", True), ("alice", False), ("bob", False)}
    body = {"action": "delete_selected", "_selected_action": [str(root.pk), str(alice.pk)], "post": "yes"}
    answer = admin.post("/admin/accounts/user/", body, follow=True)
    assert said(answer) == [("success", "Done for 1 user."), ("error", "The last active superuser has to stay.")]
    assert set(User.objects.values_list("username", flat=True)) == {"root", "bob"}


def test_only_dead_letters_are_queued(admin: Client, both: tuple[User, User], api: AuthApi) -> None:
    for _time in range(3):
        api.reset("alice@example.org")
    dead = Message.objects.all()[0]
    Message.objects.filter(pk=dead.pk).update(state="dead")
    body = {"action": "retry", "_selected_action": list(Message.objects.values_list("pk", flat=True))}
    answer = admin.post("/admin/accounts/message/", body, follow=True)
    assert said(answer) == [("success", "Queued 1 message."), ("warning", "2 messages are no dead letters.")]
    assert said(admin.post("/admin/accounts/message/", body, follow=True)) == [
        ("warning", "3 messages are no dead letters.")
    ]


def test_only_live_sessions_are_ended(admin: Client, both: tuple[User, User]) -> None:
    theirs = Session.objects.filter(user__in=both).values_list("pk", flat=True)
    body = {"action": "end_these", "_selected_action": [str(theirs[0])]}
    assert said(admin.post("/admin/accounts/session/", body, follow=True)) == [("success", "Ended 1 session.")]
    body["_selected_action"] = [str(pk) for pk in theirs]
    answer = admin.post("/admin/accounts/session/", body, follow=True)
    assert said(answer) == [("success", "Ended 1 session."), ("warning", "1 session had ended before.")]
