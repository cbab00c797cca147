"""A user's address, a copy of their data, and deletion, with a client and a browser."""

import json
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Message, Session, User
from accounts.services import pauses
from tests.clients.authapi import PASSWORD, AuthApi
from tests.mailbox import Mailbox, link
from tests.statements import Statements

NEW_ADDRESS = "alicia@example.org"


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def make_old() -> None:
    """The session's proof is older than ten minutes."""
    session = Session.objects.get()
    session.auth_time -= timedelta(minutes=11)
    session.save()


def test_another_address(any_api: AuthApi, verified_alice: dict[str, Any], letters: Mailbox) -> None:
    answer = any_api.call("POST", "email/change/", {"email": NEW_ADDRESS}, token=verified_alice["access"])
    assert (answer.status_code, answer.json()) == (
        200,
        {"detail": "A mail to confirm the new address has been sent to it."},
    )
    assert User.objects.get().email == "alice@example.org"
    wanted, notice = letters.collect()
    assert [wanted.to, notice.to] == [[NEW_ADDRESS], ["alice@example.org"]]
    key = link(wanted).split("key=")[1]
    assert any_api.call("POST", "email/change/confirm/", {"key": key}).json() == {"detail": "ok"}
    assert User.objects.get().email == NEW_ADDRESS
    again = any_api.call("POST", "email/change/confirm/", {"key": key})
    assert (again.status_code, list(again.json())) == (400, ["key"])


@pytest.mark.parametrize("email", [None, "", "x", 7, "bob@example.org", "alice@example.org"])
def test_an_address_that_cannot_be_had(api: AuthApi, verified_alice: dict[str, Any], email: object, rows: Any) -> None:
    api.register("bob")
    before = rows()
    body = {} if email is None else {"email": email}
    answer = api.call("POST", "email/change/", body, token=verified_alice["access"])
    assert (answer.status_code, list(answer.json())) == (400, ["email"])
    assert rows() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "email/change/", {"email": NEW_ADDRESS}), ("POST", "account/export/", {}), ("DELETE", "account/", None)],
)
def test_who_may(
    api: AuthApi, verified_alice: dict[str, Any], rows: Any, method: str, path: str, body: dict[str, str] | None
) -> None:
    before = rows()
    assert refused(api.call(method, path, body)) == (401, "not_authenticated")
    make_old()
    assert refused(api.call(method, path, body, token=verified_alice["access"])) == (403, "reauthentication_required")
    assert rows() == before
    again = api.call("POST", "reauthenticate/", {"password": PASSWORD}, token=verified_alice["access"])
    assert again.status_code == 200, again.content
    assert api.call(method, path, body, token=verified_alice["access"]).status_code == 200


def test_a_copy_of_ones_data(api: AuthApi, verified_alice: dict[str, Any], letters: Mailbox) -> None:
    answer = api.call("POST", "account/export/", {}, token=verified_alice["access"])
    assert answer.json() == {"detail": "A link to a copy of your data has been sent to your address."}
    key = link(letters.only()).split("key=")[1]
    page = api.http.get("/export", {"key": key})
    # A scanner that follows the link spends nothing.
    assert (page.status_code, b"Download" in page.content) == (200, True)
    copy = api.http.post("/export", {"key": key})
    assert copy.headers["Content-Type"] == "application/json"
    assert copy.headers["Content-Disposition"] == 'attachment; filename="account-data.json"'
    assert "no-store" in copy.headers["Cache-Control"]
    data = json.loads(b"".join(copy.streaming_content))
    assert list(data) == [
        "profile",
        "addresses",
        "second_factors",
        "providers",
        "sessions",
        "security_events",
        "mails",
        "notes",
        "saved_views",
    ]
    assert data["profile"][0]["email"] == "alice@example.org"
    assert [event["kind"] for event in data["security_events"]][-1] == "exported"
    assert api.http.post("/export", {"key": key}).status_code == 400


def test_who_reads_it_slowly_keeps_no_connection(
    api: AuthApi, verified_alice: dict[str, Any], letters: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is given back before the first byte is sent, and no statement is run after that."""
    api.call("POST", "account/export/", {}, token=verified_alice["access"])
    key = link(letters.only()).split("key=")[1]
    given_back: list[int] = []
    with Statements() as statements:
        monkeypatch.setattr(pauses, "give_connection_back", lambda: given_back.append(1))
        copy = api.http.post("/export", {"key": key})
        assert given_back == [1]
    with Statements() as later:
        assert json.loads(b"".join(copy.streaming_content))["profile"]
    assert (len(statements) > 0, len(later)) == (True, 0)


def test_no_copy_to_an_address_that_is_not_verified(api: AuthApi, alice: dict[str, Any], rows: Any) -> None:
    before = rows()
    answer = api.call("POST", "account/export/", {}, token=alice["access"])
    assert (answer.status_code, answer.json()) == (400, {"non_field_errors": ["E-mail is not verified."]})
    assert rows() == before


def test_deletion(api: AuthApi, verified_alice: dict[str, Any], letters: Mailbox) -> None:
    answer = api.call("DELETE", "account/", token=verified_alice["access"])
    user = User.objects.get()
    assert (answer.status_code, answer.json()["detail"]) == (200, "Your account is closed.")
    assert user.deletion_due_at is not None
    assert answer.json()["delete_at"] == user.deletion_due_at.isoformat().replace("+00:00", "Z")
    assert api.user(verified_alice["access"]).status_code == 401
    assert api.login("alice").status_code == 400
    # The name stays taken while the account can be kept.
    assert list(api.register("alice", "other@example.org").json()) == ["username"]
    key = link(letters.only()).split("key=")[1]
    assert b"Keep my account" in api.http.get("/keep-account", {"key": key}).content
    assert api.login("alice").status_code == 400
    assert api.http.post("/keep-account", {"key": key}).status_code == 200
    assert api.login("alice").status_code == 200
    assert api.http.post("/keep-account", {"key": key}).status_code == 400


@pytest.mark.parametrize("path", ["/export", "/keep-account"])
@pytest.mark.parametrize("key", ["", "x", "x" * 100_000])
def test_links_that_do_not_work(api: AuthApi, verified_alice: dict[str, Any], path: str, key: str, rows: Any) -> None:
    before = rows()
    answer = api.http.post(path, {"key": key})
    assert (answer.status_code, b"no longer works" in answer.content) == (400, True)
    assert rows() == before


def test_the_last_superuser_stays(api: AuthApi, alice: dict[str, Any], rows: Any) -> None:
    User.objects.update(is_superuser=True, is_staff=True)
    before = rows()
    assert refused(api.call("DELETE", "account/", token=alice["access"])) == (409, "last_superuser")
    assert (rows(), User.objects.get().is_active) == (before, True)


def test_a_repeated_request_mails_once(api: AuthApi, verified_alice: dict[str, Any]) -> None:
    for path, body in (("email/change/", {"email": NEW_ADDRESS}), ("account/export/", {})):
        Message.objects.all().delete()
        once, twice = (
            api.call("POST", path, body, token=verified_alice["access"], headers={"Idempotency-Key": path})
            for _ in range(2)
        )
        assert (once.status_code, once.json()) == (twice.status_code, twice.json())
        assert Message.objects.filter(kind__in=("email_change", "data_export")).count() == 1
