"""Two requests about two fields both take effect: a flow writes only the columns that its caller named."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.concurrency.race import race, rounds, statuses
from tests.mailbox import Mailbox, link_values

AVATAR = "https://example.org/a.png"


@pytest.mark.django_db(transaction=True)
def test_two_changes_of_a_profile_at_once(api: AuthApi) -> None:
    token = api.register("alice").json()["access"]
    for number in range(rounds(30)):
        name, avatar = f"alice-{number}", f"{AVATAR}?{number}"
        answers = race(
            lambda name=name: AuthApi().call("PATCH", "user/", {"username": name}, token=token),
            lambda avatar=avatar: AuthApi().call("PATCH", "user/", {"avatar_url": avatar}, token=token),
        )
        assert statuses(answers) == [200, 200]
        user = User.objects.get()
        assert (user.username, user.username_key, user.avatar_url) == (name, name, avatar)


def hidden_values(page: str) -> dict[str, str]:
    """The hidden values of a user's page: the state that it shows."""
    import re

    tags = re.findall(r"<input[^>]*name=\"initial-[^>]*>", page)
    return {re.findall(r'name="([^"]*)"', tag)[0]: (re.findall(r'value="([^"]*)"', tag) or [""])[0] for tag in tags}


@pytest.mark.django_db
class TestAdministrator:
    @pytest.fixture
    def root(self, alice: Any, api: AuthApi) -> Client:
        api.register("boss")
        User.objects.filter(username="boss").update(is_staff=True, is_superuser=True)
        client = Client()
        client.post("/admin/login/", {"username": "boss", "password": PASSWORD})
        return client

    def test_who_saves_an_avatar_undoes_nothing_that_happened_meanwhile(
        self, root: Client, api: AuthApi, alice: Any, letters: Mailbox
    ) -> None:
        url = f"/admin/accounts/user/{alice['user']['pk']}/change/"
        shown = hidden_values(root.get(url).content.decode())
        assert (shown["initial-username"], shown["initial-email_verified"]) == ("alice", "False")
        # Meanwhile the user verifies the address and takes another name.
        (mine,) = (letter for letter in letters.collect() if letter.to == ["alice@example.org"])  # type: ignore[attr-defined]
        assert api.verify_email(**link_values(mine)).status_code == 200
        assert api.call("PATCH", "user/", {"username": "Alicia"}, token=alice["access"]).status_code == 200
        body = {"username": "alice", "avatar_url": AVATAR, "is_active": "on"}
        assert root.post(url, shown | body).status_code == 302
        user = User.objects.with_address().get(pk=alice["user"]["pk"])
        assert (user.username, user.avatar_url, user.email_verified) == ("Alicia", AVATAR, True)
        assert (user.is_active, user.is_staff) == (True, False)

    def test_a_group_that_was_given_meanwhile_stays(self, root: Client, alice: Any) -> None:
        url = f"/admin/accounts/user/{alice['user']['pk']}/change/"
        shown = hidden_values(root.get(url).content.decode())
        editors = Group.objects.create(name="editors")
        user = User.objects.get(pk=alice["user"]["pk"])
        user.groups.add(editors)
        body = {"username": "alice", "avatar_url": AVATAR, "is_active": "on"}
        assert root.post(url, shown | body).status_code == 302
        user.refresh_from_db()
        assert (user.avatar_url, list(user.groups.all())) == (AVATAR, [editors])

    def test_what_is_changed_is_written(self, root: Client, alice: Any) -> None:
        url = f"/admin/accounts/user/{alice['user']['pk']}/change/"
        shown = hidden_values(root.get(url).content.decode())
        body = {"username": "alice", "avatar_url": "", "is_staff": "on", "email_verified": "on"}
        assert root.post(url, shown | body).status_code == 302
        user = User.objects.with_address().get(pk=alice["user"]["pk"])
        assert (user.is_staff, user.is_active, user.email_verified) == (True, False, True)
