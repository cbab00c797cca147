"""`manage.py export_users`: exported accounts are the same in another installation."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from accounts.models import Passkey, RecoveryCode, SecurityEvent, TotpFactor, User
from accounts.services.moving import leaving
from tests import second_factors
from tests.api.test_passkeys import add, log_in
from tests.clients.authapi import AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.moving import Run, in_no_time, move_out
from tests.passkeys import Authenticator

pytestmark = pytest.mark.django_db(transaction=True)


def keys(folder: Path, kind: str) -> tuple[str, str]:
    """The files of a new pair: the public and the private half."""
    pair = X25519PrivateKey.generate() if kind == "x25519" else generate_private_key(65537, 2048)
    public, private = folder / f"{kind}.pub", folder / f"{kind}.key"
    public.write_bytes(pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(public), str(private)


def everything() -> dict[str, Any]:
    """The rows that must be the same, table by table."""
    return {
        "users": list(User.objects.order_by("pk").values()),
        "addresses": list(EmailAddress.objects.order_by("email").values("user", "email", "verified", "primary")),
        "providers": list(
            SocialAccount.objects.order_by("uid").values(
                "user", "provider", "uid", "extra_data", "date_joined", "last_login"
            )
        ),
        "passkeys": [each | {"credential": bytes(each["credential"])} for each in Passkey.objects.values()],
        "apps": list(TotpFactor.objects.values("user", "created_at", "last_step", "last_used_at")),
        "codes": list(RecoveryCode.objects.order_by("code_hash").values("user", "code_hash", "created_at")),
        "groups": list(User.groups.through.objects.order_by("group__name").values_list("user", "group__name")),
    }


def forget_everything() -> None:
    User.objects.all().delete()
    SecurityEvent.objects.all().delete()


@pytest.fixture
def people(verified_alice: Any, api: AuthApi, letters: Any) -> Any:
    """alice with an app and a passkey, bob with a provider and a group, carol with nothing."""
    authenticator = Authenticator()
    assert add(api, verified_alice["access"], authenticator).status_code == 201
    app = second_factors.enrol(verified_alice["access"])
    bob = User.objects.get(pk=api.register("боб", "bob@example.org").json()["user"]["pk"])
    extra = {"issuer": "https://accounts.google.com", "email": "bob@example.com"}
    SocialAccount.objects.create(user=bob, provider="google", uid="1234", extra_data=extra)
    bob.groups.add(Group.objects.create(name="Auditors"))
    User.objects.filter(pk=bob.pk).update(
        is_staff=True, external_id="17", avatar_url="https://example.org/b.png", language="uk"
    )
    assert FastAPIUsers().register("carol@example.org").status_code == 201
    User.objects.filter(email="carol@example.org").update(is_active=False)
    return authenticator, app


@pytest.mark.parametrize("kind", ["x25519", "rsa"])
def test_out_and_in(people: Any, api: AuthApi, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "CHUNK", 2)
    authenticator, app = people
    public, private = keys(tmp_path, kind)
    path = tmp_path / "users.jsonl"
    before = everything()
    assert move_out(path, "--factors-key", public) == "3 users in 0 s.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    event = SecurityEvent.objects.get(kind="exported")
    assert (event.user, event.actor_kind, event.detail) == (None, "command", "all users")
    assert app.secret not in path.read_text()
    assert not any(each.code_hash in path.read_text() for each in RecoveryCode.objects.all())
    forget_everything()
    run = Run(path, "jsonl", "--factors-key", private)
    assert (run.code, run.told, run.out) == (0, [], ["3 users were moved in, in 0 s."])
    assert everything() == before
    # Every way to log in works.
    assert log_in(api, authenticator).status_code == 200
    for code in (app.next(), app.recovery_codes[0]):
        asked = api.login("alice")
        assert (asked.status_code, asked.json()["factors"]) == (403, ["totp", "passkey", "recovery_code"])
        body = {"challenge": asked.json()["challenge"], "code": code}
        assert api.call("POST", "mfa/verify/", body).status_code == 200
    assert api.login("боб").status_code == 200
    # Once more, nothing is new.
    run = Run(path, "jsonl", "--factors-key", private)
    assert (run.code, run.out[1]) == (0, "3 are there already.")


def test_factors_that_are_left_out(people: Any, api: AuthApi, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    assert "1 of them have an authenticator app or recovery codes, which were left out" in move_out(path)
    forget_everything()
    run = Run(path, "jsonl")
    assert (run.code, run.out[1]) == (0, "Left out 1 times: an authenticator app or recovery codes.")
    # Of the two factors, the passkey is there.
    assert api.login("alice").json()["factors"] == ["passkey"]
    assert (TotpFactor.objects.count(), RecoveryCode.objects.count(), Passkey.objects.count()) == (0, 0, 1)


def test_some_users(people: Any, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    move_out(path, "bob@example.org", "ALICE")
    users = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(user["email"] for user in users) == ["alice@example.org", "bob@example.org"]
    assert SecurityEvent.objects.get(kind="exported").detail == "2 users"
    with pytest.raises(CommandError, match="There is no user nobody"):
        move_out(tmp_path / "other", "nobody")
    with pytest.raises(CommandError, match="File exists"):
        move_out(path)
    assert len(path.read_text().splitlines()) == 2


def test_to_the_output(people: Any, capfdbinary: Any) -> None:
    call_command("export_users", "alice")
    out, errors = capfdbinary.readouterr()
    assert json.loads(out)["email"] == "alice@example.org"
    assert "1 users in 0 s." in in_no_time(errors.decode())


def test_invalid_keys_are_refused(people: Any, tmp_path: Path) -> None:
    public, private = keys(tmp_path, "x25519")
    path = tmp_path / "users.jsonl"
    for name in (private, str(tmp_path / "no"), __file__):
        with pytest.raises(CommandError, match="--factors-key"):
            move_out(path, "--factors-key", name)
    assert not path.exists()
    move_out(path, "--factors-key", public)
    forget_everything()
    for name in (public, __file__):
        assert Run(path, "jsonl", "--factors-key", name).code == 1
    # Another key pair, and the factors of another user.
    _other, others = keys(tmp_path, "rsa")
    run = Run(path, "jsonl", "--factors-key", others)
    assert (run.code, run.told[0].partition(": ")[2]) == (1, "second factors that this key does not open")
    assert User.objects.count() == 2
    forget_everything()
    users = [json.loads(line) for line in path.read_text().splitlines()]
    sealed = next(user["factors"] for user in users if user["factors"])
    for user in users:
        user["factors"] = sealed if user["email"] == "carol@example.org" else None
    path.write_text("".join(json.dumps(user) + "\n" for user in users))
    run = Run(path, "jsonl", "--factors-key", private)
    assert run.told[0].endswith("the second factors of another account")
    assert not User.objects.filter(email="carol@example.org").exists()


def test_damaged_lines(people: Any, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    move_out(path, "alice")
    user = json.loads(path.read_text())
    forget_everything()
    for change in (
        {"id": "17"},
        {"passkeys": [{}]},
        {"passkeys": user["passkeys"] * 21},
        {"passkeys": [user["passkeys"][0] | {"credential": "AAAA"}]},
        {"passkeys": [user["passkeys"][0] | {"sign_count": -1}]},
        {"providers": [7]},
        {"providers": [{"provider": "google", "subject": "1" * 192}]},
        {"groups": "all"},
        {"deletion_due_at": "soon"},
    ):
        path.write_text(json.dumps(user | change))
        run = Run(path, "jsonl")
        assert (run.code, len(run.told), User.objects.count()) == (1, 2, 0), change
