"""The admin's lists: what is found, page after page, and the links between what belongs together."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.core import clock
from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer import change_user
from accounts.flows.help_user import correct_email
from accounts.models import FormerAddress, Message, SecurityEvent, Session, User
from tests.clients.authapi import AuthApi
from tests.statements import Statements

pytestmark = pytest.mark.django_db
OPERATOR = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)


def listed(admin: Client, page: str, **query: str) -> list[str]:
    """The ids of the rows on a page of a list, from top to bottom."""
    answer = admin.get(f"/admin/accounts/{page}/", query)
    assert answer.status_code == 200
    return re.findall(rf'<th class="[^"]*"><a href="/admin/accounts/{page}/([^/]+)/change/', answer.content.decode())


@pytest.fixture
def people(admin: Client, api: AuthApi, alice: Any) -> dict[str, User]:
    """alice, who came from elsewhere and has had another address, alicia and bob."""
    elsewhere = AuthApi(**{"X-Request-ID": "trace-1234567890"})
    elsewhere.http = Client(REMOTE_ADDR="192.0.2.77")
    elsewhere.login("alice")
    api.register("alicia")
    api.register("bob")
    users = {user.username: user for user in User.objects.with_address()}
    change_user(user=users["alice"], email="new@example.org", context=OPERATOR)
    return users


def test_users_are_found_by_whatever_a_caller_knows(admin: Client, people: dict[str, User]) -> None:
    alice, alicia = str(people["alice"].pk), str(people["alicia"].pk)
    session = Session.objects.get(ip="192.0.2.77")
    for typed, found in (
        ("alice", [alice]),
        (" ALICE ", [alice]),
        ("new@example.org", [alice]),
        ("NEW@example.org", [alice]),
        ("alice@example.org", [alice]),
        (alice, [alice]),
        (alice.replace("-", ""), [alice]),
        (str(session.pk), [alice]),
        ("192.0.2.77", [alice]),
        ("trace-1234567890", [alice]),
        ("ali", [alicia, alice]),
        ("alice*", [alice]),
        ("alicia@", [alicia]),
        ("lic", []),
        ("%", []),
        ("*", []),
        ("nobody@example.org", []),
        ("192.0.2.78", []),
    ):
        assert listed(admin, "user", q=typed) == found, typed


def test_sessions_are_found(admin: Client, people: dict[str, User]) -> None:
    alice = people["alice"]
    of_alice = [str(pk) for pk in Session.objects.filter(user=alice).values_list("pk", flat=True)]
    elsewhere = str(Session.objects.get(ip="192.0.2.77").pk)
    for typed, found in (
        ("alice", of_alice),
        ("alice@example.org", of_alice),
        (str(alice.pk), of_alice),
        ("192.0.2.77", [elsewhere]),
        (elsewhere, [elsewhere]),
        ("trace-1234567890", [elsewhere]),
        ("ali", []),
    ):
        assert listed(admin, "session", q=typed) == found, typed


def test_events_are_found(admin: Client, people: dict[str, User], root: User) -> None:
    of_alice = [str(pk) for pk in SecurityEvent.objects.filter(user=people["alice"]).values_list("pk", flat=True)]
    event = SecurityEvent.objects.get(ip="192.0.2.77")
    assert len(of_alice) == 4
    for typed, found in (
        ("alice", of_alice),
        ("alice@example.org", of_alice),
        (str(people["alice"].pk), of_alice),
        ("192.0.2.77", [str(event.pk)]),
        (str(event.session_id), [str(event.pk)]),
        ("trace-1234567890", [str(event.pk)]),
        ("race", []),
    ):
        assert listed(admin, "securityevent", q=typed) == found, typed


def test_mails_are_found(admin: Client, people: dict[str, User]) -> None:
    of_alice = [str(pk) for pk in Message.objects.filter(user=people["alice"]).values_list("pk", flat=True)]
    of_bob = Message.objects.get(to="bob@example.org")
    assert len(of_alice) == 4
    for typed, found in (
        ("alice", of_alice),
        ("BOB@example.org", [str(of_bob.pk)]),
        (of_bob.message_id, [str(of_bob.pk)]),
        ("example", []),
    ):
        assert listed(admin, "message", q=typed) == found, typed


def test_who_wishes_for_an_address_is_found_by_it(admin: Client, api: AuthApi, alice: Any) -> None:
    user = User.objects.with_address().get(username="alice")
    correct_email(user=user, email="wished@example.org", is_confirmed=True, context=OPERATOR)
    assert listed(admin, "user", q="wished@example.org") == [str(user.pk)]
    mails = Message.objects.filter(user=user).values_list("pk", flat=True)
    assert listed(admin, "message", q="wished@example.org") == [str(pk) for pk in mails]


def test_mail_without_a_user_is_found_by_its_address(admin: Client, api: AuthApi, alice: Any) -> None:
    Message.objects.update(user=None, to="Nobody@example.org")
    assert listed(admin, "message", q="nobody@example.ORG") == [str(Message.objects.get().pk)]


def test_a_former_address_goes_with_its_user(people: dict[str, User]) -> None:
    assert list(FormerAddress.objects.values_list("user", "email_key")) == [(people["alice"].pk, "alice@example.org")]
    people["alice"].delete()
    assert FormerAddress.objects.count() == 0


def test_pages_go_on_where_the_last_one_ended(admin: Client, root: User) -> None:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    # Several at one moment: the id decides between them.
    events = SecurityEvent.objects.bulk_create(
        SecurityEvent(kind="logged_in", at=at + timedelta(seconds=n // 30), dialect="authapi") for n in range(250)
    )
    newest_first = [str(event.pk) for event in reversed(events)]

    def links(query: str) -> dict[str, str]:
        page = admin.get(f"/admin/accounts/securityevent/{query}").content.decode()
        found = re.findall(r'<a href="([^"]+)"[^>]*>(Newest|Newer|Older)</a>', page)
        return {name: link.replace("&amp;", "&") for link, name in found}

    def ids(query: str) -> list[str]:
        page = admin.get(f"/admin/accounts/securityevent/{query}").content.decode()
        return re.findall(r'<th class="[^"]*"><a href="/admin/accounts/securityevent/(\d+)/change/', page)

    first = "?dialect=authapi&kind__exact=logged_in"
    assert ids(first) == newest_first[:100]
    assert set(links(first)) == {"Older"}
    second = links(first)["Older"]
    assert ids(second) == newest_first[100:200]
    assert set(links(second)) == {"Newest", "Newer", "Older"}
    third = links(second)["Older"]
    assert ids(third) == newest_first[200:]
    assert set(links(third)) == {"Newest", "Newer"}
    assert ids(links(third)["Newer"]) == newest_first[100:200]
    back = links(second)["Newer"]
    assert ids(back) == newest_first[:100]
    assert set(links(back)) == {"Older"}
    assert ids(links(third)["Newest"]) == newest_first[:100]


@pytest.mark.parametrize("page", ["-", "-yesterday 1", "+2026-01-01T00:00:00 1", "-2026-01-01T00:00:00+00:00 x"])
def test_an_invalid_page_leads_to_the_message_of_django(admin: Client, page: str) -> None:
    for name in ("user", "securityevent"):
        answer = admin.get(f"/admin/accounts/{name}/", {"p": page})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/accounts/{name}/?e=1")


@pytest.mark.parametrize("page", ["user", "session", "securityevent", "message"])
def test_nothing_is_counted(admin: Client, alice: Any, page: str) -> None:
    for query in ({}, {"q": "alice"}):
        with Statements() as said:
            admin.get(f"/admin/accounts/{page}/", query)
        assert [sql for sql in said.sql if "COUNT(" in sql.upper()] == []


def test_filters(admin: Client, people: dict[str, User], root: User) -> None:
    alice, alicia, bob, boss = (str(people[name].pk) for name in ("alice", "alicia", "bob", "root"))
    User.objects.filter(pk=bob).update(last_visit=clock.now() - timedelta(days=31), is_active=False)
    User.objects.filter(pk=alicia).update(last_visit=clock.now() - timedelta(days=366))
    for query, found in (
        ({"verified": "1"}, [boss]),
        ({"verified": "0"}, [bob, alicia, alice]),
        ({"visited": "day"}, [alice, boss]),
        ({"visited": "not-month"}, [bob, alicia]),
        ({"visited": "not-year"}, [alicia]),
        ({"visited": "ever"}, [bob, alicia, alice, boss]),
        ({"is_active__exact": "0"}, [bob]),
        ({"is_staff__exact": "1", "has_second_factor__exact": "0"}, [boss]),
    ):
        assert listed(admin, "user", **query) == found, query
    live = {str(session.pk) for session in Session.objects.exclude(user=bob)}
    assert set(listed(admin, "session", state="live")) == live
    assert set(listed(admin, "session", state="ended")) == {str(Session.objects.get(user=bob).pk)}


def test_ready_views_are_good_links(admin: Client, people: dict[str, User]) -> None:
    for page, number in (("user", 6), ("session", 4), ("securityevent", 4), ("message", 2)):
        shown = admin.get(f"/admin/accounts/{page}/").content.decode()
        (views,) = re.findall(r'<nav class="ready-views".*?</nav>', shown, re.DOTALL)
        links = re.findall(r'href="\?([^"]+)"', views)
        assert len(links) == number
        for link in links:
            answer = admin.get(f"/admin/accounts/{page}/?{link.replace('&amp;', '&')}")
            assert answer.status_code == 200, link
            assert b'aria-current="page"' in answer.content


def test_times_have_seconds_and_a_zone(admin: Client, alice: Any) -> None:
    session = Session.objects.get(user__username="alice")
    Session.objects.filter(pk=session.pk).update(started_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    for language in ("en", "ru", "uk"):
        for path in ("", f"{session.pk}/change/"):
            page = admin.get(f"/admin/accounts/session/{path}", headers={"Accept-Language": language})
            assert b"2026-03-04 05:06:07 UTC" in page.content


def test_links_lead_to_the_user_and_the_session(admin: Client, people: dict[str, User], root: User) -> None:
    session = Session.objects.get(ip="192.0.2.77")
    user_page = f'href="/admin/accounts/user/{people["alice"].pk}/change/"'
    for page in ("session", "securityevent", "message"):
        shown = admin.get(f"/admin/accounts/{page}/", {"user__id__exact": str(people["alice"].pk)}).content.decode()
        assert user_page in shown
    events = admin.get("/admin/accounts/securityevent/", {"q": "192.0.2.77"}).content.decode()
    assert f'href="/admin/accounts/session/{session.pk}/change/"' in events
    shown = admin.get(f"/admin/accounts/session/{session.pk}/change/").content.decode()
    assert user_page in shown
    assert f'href="/admin/accounts/securityevent/?session_id__exact={session.pk}"' in shown
    assert len(listed(admin, "securityevent", session_id__exact=str(session.pk))) == 1


def test_an_act_takes_no_more_than_a_page(admin: Client, people: dict[str, User]) -> None:
    body = {"action": "deactivate", "_selected_action": [str(people["bob"].pk)], "select_across": "1"}
    assert admin.post("/admin/accounts/user/", body).status_code == 400
    assert User.objects.filter(is_active=False).count() == 0


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("session", "user__id__exact=x"),
        ("securityevent", "session_id__exact=x"),
        ("securityevent", "actor__id__exact=%00"),
        ("user", "q=%00"),
        ("user", "verified=2&visited=x"),
        ("session", "state=x&dialect=x"),
        ("user", "p=7&all="),
    ],
)
def test_what_a_list_does_not_know_is_passed_over(admin: Client, alice: Any, page: str, query: str) -> None:
    answer = admin.get(f"/admin/accounts/{page}/?{query}", follow=True)
    assert answer.status_code == 200
    assert b'id="changelist"' in answer.content
