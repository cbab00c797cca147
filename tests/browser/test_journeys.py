"""In a real browser: the links in mails, the admin, the documents."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.models import User
from tests.administrators import add_root
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.mailbox import Mailbox, link, link_values

pytestmark = pytest.mark.django_db(transaction=True)


def test_verify(page: Any, site: str, api: AuthApi, letters: Mailbox, look: Any) -> None:
    token = api.register("alice").json()["access"]
    url = link(letters.only())
    assert url.startswith(site)
    page.goto(url)
    look(page, "verify")
    assert api.user(token).json()["email_verified"] is False
    page.get_by_role("button", name="Verify the address").click()
    assert page.get_by_role("heading").inner_text() == "Your address is verified"
    look(page, "verified")
    assert api.user(token).json()["email_verified"] is True


def test_used_link_and_asking_again(page: Any, site: str, api: AuthApi, letters: Mailbox, look: Any) -> None:
    api.register("alice")
    letters.collect()
    page.goto(f"{site}/verify-email?key=old")
    page.get_by_role("button").click()
    assert page.get_by_role("heading").inner_text() == "This link no longer works"
    look(page, "spent")
    page.get_by_label("E-mail address").fill("alice@example.org")
    page.get_by_role("button").click()
    assert page.get_by_role("heading").inner_text() == "Look into your mailbox"
    page.goto(link(letters.only()))
    page.get_by_role("button").click()
    assert page.get_by_role("heading").inner_text() == "Your address is verified"


def test_reset(page: Any, site: str, api: AuthApi, letters: Mailbox, look: Any) -> None:
    api.register("alice")
    letters.collect()
    api.reset("alice@example.org")
    page.goto(link(letters.only()))
    look(page, "reset")
    page.get_by_label("New password", exact=True).fill("password1")
    page.get_by_label("New password again").fill("password1")
    page.get_by_role("button").click()
    assert page.get_by_role("alert").inner_text() == "This password is too common."
    look(page, "reset-refused")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button").click()
    assert page.get_by_role("heading").inner_text() == "Your password is changed"
    assert api.login("alice", NEW_PASSWORD).status_code == 200


def test_not_me(page: Any, site: str, api: AuthApi, letters: Mailbox, look: Any) -> None:
    thief = api.register("alice").json()["access"]
    api.verify_email(**link_values(letters.only()))
    api.change_password(thief, PASSWORD, NEW_PASSWORD)
    *_, notice = letters.collect()
    page.goto(link(notice))
    look(page, "not-me")
    page.get_by_role("button").click()
    assert page.get_by_role("heading").inner_text() == "Your account is safe again"
    assert api.user(thief).status_code == 401
    page.goto(link(letters.only()))
    page.get_by_label("New password", exact=True).fill("third-horse-99")
    page.get_by_label("New password again").fill("third-horse-99")
    page.get_by_role("button").click()
    assert api.login("alice", "third-horse-99").status_code == 200


def test_front_page(page: Any, site: str, db: Any, look: Any) -> None:
    page.goto(site)
    look(page, "front")
    assert page.get_by_role("link").count() >= 5
    page.emulate_media(color_scheme="dark")
    look(page, "front-dark")


@pytest.mark.parametrize(
    ("path", "marker"),
    [("/api/docs/", "#operations-tag-auth"), ("/api/redoc/", ".menu-content")],
)
@pytest.mark.parametrize(("language", "summary"), [("en", "Log a user in"), ("uk", "Вхід користувача")])
def test_documents(
    scripted_page: Any, site: str, db: Any, look: Any, path: str, marker: str, language: str, summary: str
) -> None:
    scripted_page.set_extra_http_headers({"Accept-Language": language})
    scripted_page.emulate_media(color_scheme="dark")
    scripted_page.goto(site + path)
    scripted_page.wait_for_selector(marker, timeout=20000, state="attached")
    scripted_page.wait_for_selector(f"text={summary}", timeout=20000, state="attached")
    assert scripted_page.locator("html").get_attribute("lang") == language
    look(scripted_page, path.strip("/").replace("/", "-") + f"-{language}")
    # The Content-Security-Policy keeps ReDoc from asking for its maker's logo, and the browser says so.
    scripted_page.problems[:] = [text for text in scripted_page.problems if "logo-mini.svg" not in text]


def test_swagger_asks_the_server_it_came_from(scripted_page: Any, site: str, db: Any, settings: Any) -> None:
    """The page may be read under another name than the public one, to which it could not connect."""
    settings.PUBLIC_URL = "https://accounts.example.org"
    page = scripted_page
    page.goto(f"{site}/api/docs/")
    operation = page.locator("#operations-auth-auth_login_create")
    operation.locator(".opblock-summary-control").click(timeout=20000)
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table tbody td.response-col_status")
    status.wait_for(timeout=20000)
    assert status.inner_text().split() == ["400"]


def test_admin(scripted_page: Any, site: str, api: AuthApi, look: Any) -> None:
    add_root()
    token = api.register("alice").json()["access"]
    page = scripted_page
    page.goto(f"{site}/admin/")
    page.get_by_label("Username").fill("root@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site}/admin/")
    look(page, "admin")
    for name in ("user", "session", "securityevent", "message", "signingkey"):
        page.goto(f"{site}/admin/accounts/{name}/")
        look(page, f"admin-{name}")
    page.goto(f"{site}/admin/accounts/user/{User.objects.get(username='alice').pk}/change/")
    look(page, "admin-user-change")
    page.get_by_label("E-mail is verified").check()
    page.get_by_role("button", name="Save", exact=True).click()
    assert api.user(token).json()["email_verified"] is True
    page.goto(f"{site}/admin/accounts/user/add/")
    look(page, "admin-user-add")


def test_admin_works_under_its_policy(scripted_page: Any, site: str, api: AuthApi) -> None:
    """Filters, search, actions, the widget for groups and the page that asks before it deletes: no console error."""
    api.register("alice")
    api.register("boss")
    User.objects.filter(username="boss").update(is_staff=True, is_superuser=True)
    alice = User.objects.get(username="alice")
    for name in ("editors", "readers"):
        Group.objects.create(name=name)
    page = scripted_page
    page.goto(f"{site}/admin/accounts/user/")
    page.get_by_label("Username").fill("boss")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site}/admin/accounts/user/")
    # The policy is in force: a script in the page does not run, and the browser says so.
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    assert len(page.problems) == 1
    assert "Content Security Policy" in page.problems.pop()

    page.locator("#changelist-filter summary").first.click()
    page.locator("#changelist-filter summary").first.click()
    page.locator("#changelist-filter li a[href='?is_staff__exact=0']").click()
    page.wait_for_url(f"{site}/admin/accounts/user/?is_staff__exact=0")
    assert page.locator("#result_list tbody tr").count() == 1
    page.goto(f"{site}/admin/accounts/user/?q=alice")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("mark_verified")
    page.get_by_role("button", name="Go").click()
    assert page.locator(".messagelist .success").inner_text() == "Done for 1 user."

    page.goto(f"{site}/admin/accounts/user/{alice.pk}/change/")
    page.get_by_text("Choose all groups").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".messagelist .success").wait_for()
    assert alice.groups.count() == 2
    page.goto(f"{site}/admin/accounts/securityevent/?at__gte=2020-01-01+00:00:00%2B00:00")
    assert page.locator("#result_list tbody tr").count() >= 3
    page.goto(f"{site}/admin/auth/group/add/")
    assert page.locator(".selector").count() == 1
    page.goto(f"{site}/admin/accounts/user/{alice.pk}/delete/")
    page.get_by_role("button", name="Yes, I’m sure").click()
    page.locator(".messagelist .success").wait_for()
    assert not User.objects.filter(pk=alice.pk).exists()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Logged out").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mails_can_be_looked_at(page: Any, site: str, api: AuthApi, letters: Mailbox, look: Any, scheme: Any) -> None:
    token = api.register("alice").json()["access"]
    verification = letters.only()
    # A security notice carries its button for an address that is verified.
    api.verify_email(**link_values(verification))
    api.reset("alice@example.org")
    api.change_password(token, PASSWORD, NEW_PASSWORD)
    page.emulate_media(color_scheme=scheme)
    for letter in (verification, *letters.collect()):
        ((html, _),) = letter.alternatives  # type: ignore[attr-defined]
        page.set_content(html)
        assert page.get_by_role("link").count() >= 2
        look(page, f"mail-{letter.subject.lower().replace(' ', '-')}-{scheme}")
