"""Saved views of the admin's lists: on a phone without JavaScript, and at a desk, light and dark."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.core import clock
from accounts.core.context import ClientContext, Dialect
from accounts.flows.save_view import save_view
from accounts.models import SavedView, User
from tests.administrators import add_root, enter_admin
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)


@pytest.fixture
def root(transactional_db: Any) -> User:
    return add_root()


def test_a_view_is_saved_opened_and_deleted(page: Any, site: str, root: User) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    enter_admin(page, site)
    page.goto(f"{site}/admin/accounts/session/?state=live&kind__exact=admin")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Who is in the admin")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved the view “Who is in the admin”.").wait_for()
    page.goto(f"{site}/admin/accounts/session/")
    page.get_by_role("link", name="Who is in the admin").click()
    page.wait_for_url(f"{site}/admin/accounts/session/?kind__exact=admin&state=live")
    assert page.locator("#result_list tbody tr").count() == 1
    page.get_by_role("button", name="Delete the view “Who is in the admin”").click()
    page.get_by_text("Deleted the view.").wait_for()
    assert SavedView.objects.count() == 0


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_thirty_views_and_who_is_locked_fit(
    scripted_page: Any, site: str, root: User, api: AuthApi, look: Any, width: int, scheme: str
) -> None:
    page = scripted_page
    api.register("alice")
    User.objects.filter(username="alice").update(locked_until=clock.now() + timedelta(minutes=20))
    save = {"page": "accounts.user", "context": CONTEXT.by_administrator(root.pk)}
    save_view(name="Asks again and again about mail", query="locked=1", **save)
    for number in range(29):
        save_view(name=f"Call {number + 1} of the week", query=f"q=call{number}", **save)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    enter_admin(page, site)
    look(page, f"overview-{width}-{scheme}")
    page.goto(f"{site}/admin/accounts/user/?locked=1")
    assert page.locator("#result_list tbody tr").count() == 1
    look(page, f"saved-views-open-{width}-{scheme}")
    page.goto(f"{site}/admin/accounts/user/?q=alice&verified=0")
    page.get_by_text("Save this view").click()
    look(page, f"saved-views-save-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
