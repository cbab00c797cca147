"""In a real browser: the pages of the admin for who operates the server, on a phone and at a desk, light and dark."""

import threading
from typing import Any

import pytest

from accounts.core.context import ClientContext, Dialect
from accounts.flows.count_by_hour import count_by_hour, measure_users, note_worker
from accounts.flows.start_job import start_job
from accounts.management.jobs import run_one_job
from accounts.models import User
from accounts.models.job import JobKind
from accounts.services import keys
from tests.administrators import add_root
from tests.clients.authapi import PASSWORD, AuthApi

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.ADMIN)
PAGES = {
    "overview": "/admin/",
    "jobs": "/admin/accounts/job/",
    "job": "/admin/accounts/job/{job}/change/",
    "signing-keys": "/admin/accounts/signingkey/",
    "signing-key": "/admin/accounts/signingkey/{kid}/change/",
    "settings": "/admin/configuration/",
    "checkup": "/admin/checkup/",
    "proof": "/admin/proof/",
}


@pytest.fixture
def known(api: AuthApi) -> dict[str, Any]:
    """What stands in the paths; there is something to see on each page."""
    root = add_root()
    api.register("alice")
    api.login("alice", "wrong-horse-9")
    job = start_job(
        kind=JobKind.DEACTIVATE,
        user_ids=User.objects.order_by("username").values_list("pk", flat=True),
        context=CONTEXT.by_administrator(root.pk),
    )
    note_worker()
    count_by_hour(most_hours=10)
    measure_users()
    return {"job": job, "kid": keys.signing_key()[0]}


def log_in(page: Any, site: str) -> None:
    page.goto(f"{site}/admin/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site}/admin/")


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit(scripted_page: Any, site: str, known: Any, look: Any, width: int, scheme: str) -> None:
    page = scripted_page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    log_in(page, site)
    for name, path in PAGES.items():
        page.goto(site + path.format(**known))
        look(page, f"{name}-{width}-{scheme}")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (name, wider) == (name, 0)


def test_plots_have_their_colours_and_words(scripted_page: Any, site: str, known: Any) -> None:
    page = scripted_page
    colours = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        if scheme == "light":
            log_in(page, site)
        bar = page.locator("#overview svg .bar").first
        colours.add(bar.evaluate("bar => getComputedStyle(bar).fill"))
    assert len(colours) == 2
    assert page.get_by_role("img", name="Sign-ups: the last 48 hours").count() == 1
    page.get_by_text("Hours as a table").click()
    assert page.get_by_role("columnheader", name="Failed logins").first.is_visible()


def test_a_job_is_stopped_and_a_key_is_rotated(scripted_page: Any, site: str, known: Any) -> None:
    page = scripted_page
    log_in(page, site)
    page.goto(site + PAGES["job"].format(**known))
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("The worker stops after the user it is at.").wait_for()
    run_one_job(threading.Event())
    page.reload()
    page.get_by_role("heading", name="Progress: stopped").wait_for()
    page.goto(site + PAGES["signing-keys"])
    page.get_by_role("button", name="Rotate the keys").click()
    page.get_by_text("Published the key").wait_for()


def test_the_server_is_looked_at(scripted_page: Any, site: str, known: Any, look: Any) -> None:
    page = scripted_page
    log_in(page, site)
    page.goto(site + PAGES["checkup"])
    page.get_by_role("button", name="Look at everything").click()
    page.get_by_text("not looked at").first.wait_for(state="detached", timeout=20000)
    row = page.get_by_role("row", name="forged client address")
    assert row.inner_text().split("\t")[-1].strip() == "fine"
    look(page, "checkup-of-everything")
