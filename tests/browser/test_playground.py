"""GraphiQL at /graph/ in a browser: it works under its own policy, and asks nobody but this server."""

import shutil
from typing import Any

import pytest
from django.test import Client

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_page_allows_no_inline_script_and_no_other_host() -> None:
    response = Client().get("/graph/")
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    page = response.content.decode()
    assert page.count("<script") == page.count("<script defer src=")
    assert "//" not in page.replace("<!--", "")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.django_db(transaction=True)
def test_playground_works(live_server: Any) -> None:
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    asked: set[str] = set()
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.add(request.url))
        page.goto(f"{live_server.url}/graph/")
        for endpoint, sign_up in (
            ("/graph/query", "signUp(input:SignUpInput!):Tokens!"),
            ("/graph/v1/query", "signUp(input:SignUpInput!):Boolean!"),
        ):
            page.select_option("#endpoint", endpoint)
            page.click("[aria-label='Show Documentation Explorer']")
            explorer = page.locator(".graphiql-doc-explorer")
            explorer.get_by_text("Mutation", exact=True).click()
            explorer.get_by_text("signUp", exact=True).wait_for()
            assert sign_up in "".join(explorer.inner_text().split())
            page.click("[aria-label^='Execute query']")
            page.wait_for_selector(".result-window >> text=createVerifyEmailCode")
            assert "true" in page.inner_text(".result-window")
        kept = page.evaluate("localStorage.length")
        browser.close()
    assert said == []
    assert kept == 0
    assert {url for url in asked if not url.startswith((live_server.url, "data:"))} == set()
