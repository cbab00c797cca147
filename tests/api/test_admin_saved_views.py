"""The views that each administrator saves of the admin's lists."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.core import clock
from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer import add_user, delete_user
from accounts.flows.administer_groups import put_group
from accounts.flows.save_view import save_view
from accounts.models import SavedView, User
from accounts.services import saved_views
from accounts.services.saved_views import TooManyViewsError
from tests.clients.authapi import PASSWORD
from tests.statements import Statements

pytestmark = pytest.mark.django_db
OPERATOR = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)
USERS = "/admin/accounts/user/"


def save(admin: Client, query: str, name: str = "Mine", page: str = USERS) -> Any:
    return admin.post(f"{page}views/", {"query": query, "name": name}, follow=True)


def shown(admin: Client, path: str) -> str:
    """What a list says of the administrator's own views."""
    answer = admin.get(path)
    assert answer.status_code == 200
    return "".join(re.findall(r'<section class="saved-views".*?</section>', answer.content.decode(), re.DOTALL))


def links(html: str) -> list[tuple[str, str]]:
    return [(unescape(query), unescape(name)) for query, name in re.findall(r'<a href="\?([^"]*)"[^>]*>([^<]*)', html)]


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def kept() -> list[tuple[str, str, str, str]]:
    return list(SavedView.objects.order_by("pk").values_list("user__username", "page", "name", "query"))


@pytest.fixture
def helper(root: User) -> Client:
    """Another administrator, who may look at users and sessions alone."""
    user = add_user(username="helper", email="helper@example.org", password=PASSWORD, verified=True, context=OPERATOR)
    group = Group(name="helpers")
    may = Permission.objects.filter(codename__in=("view_user", "view_session"))
    put_group(group=group, permissions=may, context=OPERATOR)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.groups.add(group)
    client = Client()
    assert client.post("/admin/login/", {"username": "helper", "password": PASSWORD}).status_code == 302
    return client


def test_a_view_is_saved_opened_and_deleted(admin: Client) -> None:
    assert shown(admin, USERS) == ""
    asked = f"{USERS}?q=%C3%A4li+x&verified=0"
    assert 'name="query" value="q=%C3%A4li+x&amp;verified=0"' in shown(admin, asked)
    answer = save(admin, "q=%C3%A4li+x&verified=0", " Not yet ")
    assert answer.redirect_chain == [(asked, 302)]
    assert said(answer) == ["Saved the view “Not yet”."]
    assert kept() == [("root", "accounts.user", "Not yet", "q=%C3%A4li+x&verified=0")]
    everywhere = shown(admin, USERS)
    assert links(everywhere) == [("q=%C3%A4li+x&verified=0", "Not yet")]
    assert "aria-current" not in everywhere
    assert "/delete/" not in everywhere
    # In whatever order it is asked for, and on each of its pages.
    opened = shown(admin, f"{USERS}?verified=0&q=%C3%A4li+x&p=0")
    assert opened.count('aria-current="page"') == 1
    assert "<details>" not in opened
    (url,) = re.findall(r'action="([^"]+)"', opened)
    assert "Delete the view “Not yet”" in opened
    deleted = admin.post(url, follow=True)
    assert deleted.redirect_chain == [(USERS, 302)]
    assert said(deleted) == ["Deleted the view."]
    assert kept() == []
    assert said(admin.post(url, follow=True)) == ["You have no such view."]


def test_a_ready_view_is_known_on_each_of_its_pages(admin: Client) -> None:
    page = admin.get(f"{USERS}?is_staff__exact=1&has_second_factor__exact=0&p=0").content.decode()
    (current,) = re.findall(r'<a href="[^"]*" aria-current="page">([^<]*)', page)
    assert current == "May use the admin without a second factor"


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("accounts/session", "kind__exact=admin&q=192.0.2.7&state=live"),
        ("accounts/securityevent", "actor__id__exact=7e6c3f9c-7c49-4b7e-bd60-000000000000&kind__exact=viewed"),
        ("accounts/message", "state__exact=dead"),
        ("accounts/job", "kind__exact=delete"),
        ("auth/group", "q=support"),
    ],
)
def test_each_list_has_its_own(admin: Client, page: str, query: str) -> None:
    path = f"/admin/{page}/"
    answer = save(admin, query, page=path)
    assert answer.redirect_chain == [(f"{path}?{query}", 302)]
    assert links(shown(admin, f"{path}?{query}")) == [(query, "Mine")]
    assert shown(admin, USERS) == ""
    # The same name for another list.
    assert said(save(admin, "verified=0")) == ["Saved the view “Mine”."]
    assert len(kept()) == 2


def test_what_the_list_does_not_declare_is_left_out(admin: Client) -> None:
    save(admin, "password__regex=^a&verified=0&p=-x&o=1&_popup=1&is_active__exact=&next=https://evil.example")
    assert kept() == [("root", "accounts.user", "Mine", "verified=0")]
    answer = save(admin, "password__regex=^a&p=7", "Nothing")
    assert answer.status_code == 200
    assert len(kept()) == 1


def test_a_filter_that_is_gone_is_left_out(admin: Client, root: User) -> None:
    SavedView.objects.create(user=root, page="accounts.user", name="Old", query="gone__exact=1&verified=0")
    assert links(shown(admin, USERS)) == [("verified=0", "Old")]


def test_nobody_sees_or_deletes_those_of_others(admin: Client, helper: Client) -> None:
    save(admin, "verified=0")
    assert shown(helper, USERS) == ""
    view = SavedView.objects.get()
    assert said(helper.post(f"{USERS}views/{view.pk}/delete/", follow=True)) == ["You have no such view."]
    assert kept() == [("root", "accounts.user", "Mine", "verified=0")]
    assert said(save(helper, "verified=0")) == ["Saved the view “Mine”."]
    assert len(kept()) == 2


def test_who_may_not_look_at_a_list_saves_nothing_of_it(helper: Client) -> None:
    page = "/admin/accounts/message/"
    assert helper.post(f"{page}views/", {"query": "state__exact=dead", "name": "Mine"}).status_code == 403
    assert helper.post(f"{page}views/1/delete/").status_code == 403
    stranger = Client()
    assert stranger.post(f"{USERS}views/", {"query": "verified=0", "name": "Mine"}).status_code == 302
    assert kept() == []


def test_only_posts_with_a_token_change_anything(admin: Client, root: User) -> None:
    view = SavedView.objects.create(user=root, page="accounts.user", name="Mine", query="verified=0")
    for path in (f"{USERS}views/", f"{USERS}views/{view.pk}/delete/"):
        assert admin.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    for path in (f"{USERS}views/", f"{USERS}views/{view.pk}/delete/"):
        assert strict.post(path, {"query": "verified=1", "name": "Other"}).status_code == 403
    assert len(kept()) == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\0b"])
def test_an_invalid_name_is_refused(admin: Client, name: str) -> None:
    answer = save(admin, "verified=0", name)
    assert said(answer) == ["Name the view in 1 to 60 letters."]
    assert answer.redirect_chain == [(f"{USERS}?verified=0", 302)]
    assert kept() == []


def test_names_and_searches_at_their_longest(admin: Client) -> None:
    longest = "q=" + "x" * 498
    assert said(save(admin, longest, "я" * 60)) == [f"Saved the view “{'я' * 60}”."]
    assert said(save(admin, longest + "x", "Longer")) == ["This search is too long to be saved."]
    assert kept() == [("root", "accounts.user", "я" * 60, longest)]


def test_a_name_is_good_once(admin: Client) -> None:
    save(admin, "verified=0")
    assert said(save(admin, "verified=1")) == ["You have a view of this name already."]
    assert kept() == [("root", "accounts.user", "Mine", "verified=0")]


def test_thirty_are_the_most(admin: Client, root: User) -> None:
    by_root = OPERATOR.by_administrator(root.pk)
    for number in range(30):
        save_view(page="accounts.session", name=str(number), query="state=live", context=by_root)
    assert said(save(admin, "verified=0")) == ["You have 30 views, which is the most. Delete one first."]
    with pytest.raises(TooManyViewsError):
        save_view(page="accounts.session", name="30", query="state=live", context=by_root)
    assert SavedView.objects.count() == 30


def test_a_name_is_text(admin: Client) -> None:
    save(admin, "verified=0", "<script>alert(1)</script>&")
    page = admin.get(f"{USERS}?verified=0").content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;") >= 2


def test_they_cost_one_statement(admin: Client) -> None:
    for number in range(3):
        save(admin, f"q={number}", str(number))
    admin.get(USERS)
    with Statements() as said:
        admin.get(USERS)
    assert len([sql for sql in said.sql if "savedview" in sql]) == 1


def test_three_languages(admin: Client) -> None:
    save(admin, "verified=0", "Моя")
    for language, words in (
        ("ru", ("Ваши подборки", "Удалить подборку «Моя»")),
        ("uk", ("Ваші добірки", "Видалити добірку «Моя»")),
    ):
        page = admin.get(f"{USERS}?verified=0", headers={"Accept-Language": language}).content.decode()
        assert [word for word in words if word not in page] == []


def test_they_go_with_their_administrator(admin: Client, helper: Client) -> None:
    save(admin, "verified=0")
    save(helper, "verified=1")
    delete_user(user=User.objects.with_address().get(username="helper"), context=OPERATOR)
    assert kept() == [("root", "accounts.user", "Mine", "verified=0")]


def test_a_search_for_a_person_goes_with_the_person(admin: Client, alice: Any, api: Any) -> None:
    api.register("alicia")
    user = User.objects.with_address().get(username="alice")
    for number, query in enumerate(("q=alice", "q=ALICE%40example.org", f"q={user.pk.hex}", "q=alicia", "verified=0")):
        save(admin, query, str(number))
    save(admin, f"user__id__exact={user.pk}&state=live", "Sessions", "/admin/accounts/session/")
    delete_user(user=user, context=OPERATOR)
    assert [query for _user, _page, _name, query in kept()] == ["q=alicia", "verified=0"]


def test_the_copy_of_an_administrator_has_them(admin: Client, root: User) -> None:
    save(admin, "verified=0")
    (row,) = saved_views.export(root)
    assert clock.now() - row.pop("created_at") < timedelta(minutes=1)  # type: ignore[operator]
    assert row == {"page": "accounts.user", "name": "Mine", "query": "verified=0"}
