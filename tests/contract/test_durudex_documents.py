"""Every request of both Durudex documents runs as printed, with names, passwords, codes and tokens filled in.

The tests contain the operations. If ../shared/spec/ is present, its blocks must be the same.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests.clients.authapi import PASSWORD
from tests.clients.durudex import Durudex

SPEC = Path(__file__).resolve().parents[3] / "shared" / "spec"
DOCUMENTS = {"newer": "durudex-user.uk.md", "older": "durudex-user.en.md"}

_COMMON = [
    """mutation {
  signIn(input: {
    username: "example",
    password: "qwerty"
  }) {
      access
      refresh
    }
}""",
    """mutation {
  refreshToken(input: {token: "you-refresh-token"})
}""",
    """mutation {
  signOut(input: {token: "you-refresh-token"})
}""",
    """mutation {
  createVerifyEmailCode(email: "example@durudex.com")
}""",
]
OPERATIONS = {
    "newer": [
        *_COMMON,
        """mutation {
  signUp(input: {
    username: "example",
    email: "example@durudex.com",
    password: "qwerty",
    code: 123456
  }) {
      access
      refresh
    }
}""",
        """mutation {
  forgotPassword(input: {
    email: "example@durudex.com",
    password: "qwerty",
    code: 123456
  })
}""",
        """query {
  me {
    username
    avatarUrl
    ...
  }
}""",
        """query {
  user(id: "user-id") {
    username
    avatarUrl
    ...
  }
}""",
    ],
    "older": [
        *_COMMON,
        """mutation {
  signUp(input: {
    username: "example",
    email: "example@durudex.com",
    password: "qwerty",
    code: "123456"
  })
}""",
        """mutation {
  forgotPassword(input: {
    email: "example@durudex.com",
    password: "qwerty",
    code: "123456"
  })
}""",
        """query {
  user(id: "user-id") {
    username
    avatarUrl
    createdAt
    ...
  }
}""",
    ],
}


@pytest.mark.skipif(not SPEC.is_dir(), reason="the contract's documents are not beside this repository")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_operations_are_those_of_the_document(document: str) -> None:
    text = (SPEC / DOCUMENTS[document]).read_text()
    printed = re.findall(r"^```graphql\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert sorted(printed) == sorted(OPERATIONS[document])


@pytest.mark.django_db
@pytest.mark.parametrize("document", DOCUMENTS)
def test_document_runs(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a leading zero: the newer document prints its code as a number.
    drawn = iter((612345, 623456))
    monkeypatch.setattr("accounts.services.codes.secrets.randbelow", lambda _most: next(drawn))
    client = Durudex(older=document == "older")
    by_name = {re.findall(r"\w+", text)[1]: text for text in OPERATIONS[document]}

    def run(name: str, *, token: str | None = None, **filled_in: str) -> Any:
        query = by_name[name].replace("qwerty", PASSWORD).replace("\n    ...\n", "\n")
        for placeholder, value in filled_in.items():
            query = query.replace(placeholder.replace("_", "-"), value)
        answer = client.run(query, token=token).json()
        assert "errors" not in answer, answer
        return answer["data"][name]

    assert run("createVerifyEmailCode") is True
    signed_up = run("signUp", **{"123456": "612345"})
    assert signed_up is True if document == "older" else set(signed_up) == {"access", "refresh"}
    tokens = run("signIn")
    access = run("refreshToken", you_refresh_token=tokens["refresh"])
    if "me" in by_name:
        assert run("me", token=access) == {"username": "example", "avatarUrl": ""}
    shown = run("user", user_id=str(User.objects.get().pk))
    assert shown["username"] == "example"
    assert ("createdAt" in shown) is (document == "older")
    assert run("createVerifyEmailCode") is True
    assert run("forgotPassword", **{"123456": "623456"}) is True
    tokens = run("signIn")
    assert run("signOut", token=tokens["access"], you_refresh_token=tokens["refresh"]) is True
