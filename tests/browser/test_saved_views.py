"""Saved views of the admin's lists on a phone, without JavaScript."""

from typing import Any

import pytest

from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer import add_user
from accounts.models import SavedView
from tests.clients.authapi import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)


def test_a_view_is_saved_opened_and_deleted(page: Any, site: str, look: Any) -> None:
    add_user(
        username="root", email="root@example.org", password=PASSWORD, is_superuser=True, verified=True, context=CONTEXT
    )
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site}/admin/accounts/session/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{site}/admin/accounts/session/?state=live&kind__exact=admin")
    page.get_by_text("Save this view").click()
    look(page, "saved-views-form-360")
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
