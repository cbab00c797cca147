"""Which language an answer is in."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU", "ru"),
        ("UK-ua;q=0.9, ru;q=0.8", "uk"),
        ("ru;q=0.1, uk", "uk"),
        ("de, uk;q=0.5", "uk"),
        ("de", "en"),
        ("*, ru;q=0.5", "en"),
        ("../../etc, ru", "en"),
        (";;;,q=", "en"),
        ("x" * 5000, "en"),
        ("ru," * 3000, "ru"),
    ],
)
def test_accept_language_decides(accepted: str | None, language: str) -> None:
    headers: dict[str, Any] = {} if accepted is None else {"Accept-Language": accepted}
    answer = Client().get("/api/auth/user/", headers=headers)
    assert (answer.status_code, answer.headers["Content-Language"]) == (401, language)
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_cookie_does_not() -> None:
    client = Client()
    client.cookies["django_language"] = "ru"
    assert client.get("/api/auth/user/").headers["Content-Language"] == "en"


def test_one_request_leaves_nothing_to_the_next() -> None:
    said = [
        Client().get("/api/auth/user/", headers=headers).json()["detail"]
        for headers in ({}, {"Accept-Language": "ru"}, {})
    ]
    assert said[0] == said[2] != said[1]
