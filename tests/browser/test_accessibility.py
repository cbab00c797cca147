"""Every page of the admin as axe sees it, light and dark, at a desk and on a phone, and with the keyboard alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer_groups import put_group
from accounts.flows.help_user import add_note
from accounts.flows.save_view import save_view
from accounts.models import Message, SecurityEvent, Session, User
from tests.administrators import add_root, enter_admin
from tests.clients.authapi import AuthApi
from tests.sdk.__main__ import alone, npm_ci
from tests.sdk.sdks import kept

SOURCE = Path(__file__).resolve().parent / "axe"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("npm") is None, reason="NOT CHECKED: no Node.js on this machine"),
]
# As of whoever looks on a phone, and whoever looks at a desk.
SIZES = ({"width": 360, "height": 740}, {"width": 1440, "height": 900})


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which is installed once."""
    modules = kept("package-lock.json", SOURCE)
    with alone():
        npm_ci(SOURCE, modules)
    return (modules / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def alice(transactional_db: Any, api: AuthApi) -> User:
    """A user with long names, a note, mails, events, and a session from a device with a long name."""
    context = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)
    root = add_root()
    device = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Pro) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Mobile"
    long_name = "alexandra-konstantinopolskaya-the-second"
    AuthApi(**{"User-Agent": device}).register(long_name)
    alice = User.objects.get(username=long_name)
    by_root = context.by_administrator(root.pk)
    add_note(user=alice, text="Called about a mail that did not come.", context=by_root)
    put_group(group=Group(name="support"), context=by_root)
    for name in ("Unverified", "W" * 60):
        save_view(page="accounts.user", name=name, query="verified=0", context=by_root)
    Message.objects.filter(user=alice).update(state="dead", last_error="550 5.1.1 The mailbox does not exist here")
    return alice


def paths(alice: User) -> list[str]:
    """Every kind of page that the admin has."""
    accounts = "/admin/accounts"
    user = f"{accounts}/user/{alice.pk}"
    session, event = Session.objects.get(user=alice), SecurityEvent.objects.filter(user=alice).earliest("id")
    mail = Message.objects.get(user=alice)
    return [
        "/admin/",
        f"{accounts}/user/",
        f"{accounts}/user/?q=nobody",
        f"{accounts}/user/?verified=0",
        f"{accounts}/user/add/",
        f"{user}/change/",
        f"{user}/history/",
        f"{user}/delete/",
        *(f"{user}/act/{name}/" for name in ("note", "correct-email", "unlock", "deactivate")),
        f"{accounts}/session/",
        f"{accounts}/session/{session.pk}/change/",
        f"{accounts}/securityevent/",
        f"{accounts}/securityevent/{event.pk}/change/",
        f"{accounts}/message/",
        f"{accounts}/message/{mail.pk}/change/",
        f"{accounts}/signingkey/",
        "/admin/auth/group/",
        "/admin/auth/group/add/",
        "/admin/proof/",
        "/admin/second-factor/",
        "/admin/password_change/",
    ]


@pytest.fixture(params=["light", "dark"])
def browser_page(request: Any, chromium: Any, site: str) -> Iterator[Any]:
    context = chromium.new_context(viewport=SIZES[1], color_scheme=request.param, locale="en")
    page = context.new_page()
    page.set_default_timeout(10000)
    page.scheme = request.param
    yield page
    context.close()


def serious(page: Any, axe: str) -> list[str]:
    """What axe finds on the page that keeps somebody out."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url} {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def test_axe_finds_nothing_serious(browser_page: Any, site: str, axe: str, alice: User, look: Any) -> None:
    page = browser_page
    page.goto(f"{site}/admin/login/")
    problems = serious(page, axe)
    enter_admin(page, site)
    # Colours do not depend on the size, nor what is where on the colours.
    size = SIZES[0] if page.scheme == "light" else SIZES[1]
    page.set_viewport_size(size)
    for path in paths(alice):
        page.goto(site + path)
        problems += serious(page, axe)
        name = path.removeprefix("/admin/").strip("/").replace(str(alice.pk), "one").replace("/", "-")
        look(page, f"admin-{name or 'index'}-{size['width']}-{page.scheme}")
    assert sorted(set(problems)) == []


def test_a_phone_scrolls_down_only(chromium: Any, site: str, alice: User) -> None:
    """What is wider than the window, such as a list, scrolls by itself."""
    context = chromium.new_context(locale="en")
    page = context.new_page()
    enter_admin(page, site)
    too_wide = []
    for size in SIZES:
        page.set_viewport_size(size)
        for path in paths(alice):
            page.goto(site + path)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                too_wide.append((path, size["width"], page.evaluate("document.documentElement.scrollWidth")))
    context.close()
    assert too_wide == []


def test_the_columns_of_each_list_are_seen_at_a_desk(browser_page: Any, site: str, alice: User) -> None:
    page = browser_page
    enter_admin(page, site)
    for name in ("user", "session", "securityevent", "message"):
        page.goto(f"{site}/admin/accounts/{name}/")
        hidden = page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.results'))")
        assert hidden <= 0, name


def test_the_columns_are_seen_in_each_language(chromium: Any, site: str, alice: User, look: Any) -> None:
    for language in ("ru", "uk"):
        context = chromium.new_context(viewport=SIZES[1], locale=language)
        page = context.new_page()
        enter_admin(page, site)
        for name in ("user", "session", "securityevent", "message"):
            page.goto(f"{site}/admin/accounts/{name}/")
            assert page.locator("html").get_attribute("lang") == language
            hidden = page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.results'))")
            assert hidden <= 0, (language, name)
            look(page, f"admin-{name}-{language}")
        page.goto(f"{site}/admin/accounts/user/{alice.pk}/change/")
        look(page, f"admin-user-change-{language}")
        context.close()


def test_the_keyboard_alone_is_enough(browser_page: Any, site: str, alice: User) -> None:
    """From the login to a search, to the user, and to an act that is done."""

    def tab_to(selector: str) -> None:
        for _press in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no way to {selector}")

    page = browser_page
    enter_admin(page, site)
    tab_to("a[href='/admin/accounts/user/']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/admin/accounts/user/")
    tab_to("#searchbar")
    page.keyboard.type("alexandra")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/admin/accounts/user/?q=alexandra")
    tab_to("#result_list th a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{alice.pk}/change/**")
    tab_to(".acts a[href$='/deactivate/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/act/deactivate/")
    tab_to("input[type=submit]")
    # Whoever uses the keyboard sees where they are.
    style = "getComputedStyle(document.activeElement)"
    assert page.evaluate(f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'") is True
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{alice.pk}/change/")
    assert page.locator(".messagelist .success").inner_text() == "Done: Deactivate."
    assert User.objects.get(pk=alice.pk).is_active is False
