"""What users see of their own security events: not what is between administrators. The copy of their data tells all."""

from typing import Any

import pytest

from accounts.flows.help_user import add_note, unlock_user
from accounts.flows.visit_admin import look_at_user
from accounts.models import SecurityEvent, User
from accounts.services import personal_data
from tests.clients.authapi import AuthApi
from tests.flows.context import client

pytestmark = pytest.mark.django_db


def test_notes_and_looks_are_between_administrators(root: User, alice: Any, api: AuthApi) -> None:
    user = User.objects.with_address().get(username="alice")
    by_root = client().by_administrator(root.pk)
    look_at_user(user=user, context=by_root)
    add_note(user=user, text="Called twice.", context=by_root)
    unlock_user(user=user, context=by_root)
    all_kinds = ["registered", "logged_in", "viewed", "note_added", "unlocked"]
    assert list(SecurityEvent.objects.filter(user=user).order_by("id").values_list("kind", flat=True)) == all_kinds
    page = api.call("GET", "events/", token=alice["access"]).json()
    assert [event["kind"] for event in page["results"]] == ["unlocked", "logged_in", "registered"]
    assert (page["results"][0]["ip"], page["results"][0]["user_agent"]) == ("", "")
    copy = {name: [dict(row) for row in rows] for name, rows in personal_data.export(user)}
    assert [row["kind"] for row in copy["security_events"]] == all_kinds
    assert [row["text"] for row in copy["notes"]] == ["Called twice."]


def test_the_document_names_what_can_be_seen(api: AuthApi, db: Any) -> None:
    document = api.http.get("/api/schema/?format=json").json()
    kinds = set(document["components"]["schemas"]["SecurityEventKind"]["enum"])
    assert {"unlocked", "logged_in", "deleted"} <= kinds
    assert kinds.isdisjoint({"viewed", "note_added", "group_changed", "group_deleted", "signing_key_rotated"})
