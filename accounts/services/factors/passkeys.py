"""Passkeys (WebAuthn level 3): begin a ceremony, check its answer, store and remove credentials.

The client holds the encrypted state of a ceremony until its completion. Each state can be spent once.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from fido2.cose import UnsupportedKey
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Passkey, User
from accounts.services import encryption

PURPOSE = "passkey ceremonies"
LIFETIME = timedelta(minutes=5)
LONGEST_STATE = 2000
# The longest credential as JSON, in bytes: several times what authenticators send.
LONGEST_CREDENTIAL = 20_000
MOST_FOR_A_USER = 20


@dataclass(frozen=True, kw_only=True)
class Begun:
    """options: for the browser's navigator.credentials. state: needed to complete the ceremony."""

    options: dict[str, Any]
    state: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A passkey that has signed, and the number of signatures by its own count."""

    passkey: Passkey
    sign_count: int
    is_backed_up: bool


def begin_registration(user: User) -> Begun:
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(id=user.pk.bytes, name=user.email, display_name=user.username),
        [_data(passkey) for passkey in of(user)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Begun(options=dict(options["publicKey"]), state=_seal("register", str(user.pk), state))


def begin_login(user: User | None = None) -> Begun:
    """user: has proved the password and uses a passkey as a second factor; None for a login with a passkey alone.

    A passkey alone has to verify its user, with a fingerprint or a PIN.
    """
    needed = UserVerificationRequirement.REQUIRED if user is None else UserVerificationRequirement.PREFERRED
    credentials = [_data(passkey) for passkey in of(user)] if user else None
    options, state = _server().authenticate_begin(credentials, user_verification=needed)
    return Begun(options=dict(options["publicKey"]), state=_seal("log in", str(user.pk) if user else "", state))


def add(user: User, *, state: str, credential: Mapping[str, Any], name: str, now: datetime) -> Passkey:
    """Stores the credential that a ceremony of begin_registration() has made.

    Raises AccountError(INVALID_PASSKEY), and AccountError(TOO_MANY_PASSKEYS) beyond MOST_FOR_A_USER.
    """
    expected = _open(state, "register", str(user.pk))
    with _refusing():
        made = _server().register_complete(expected, _checked(credential, RegistrationResponse))
        data = made.credential_data
        if data is None or isinstance(data.public_key, UnsupportedKey):
            raise ValueError("no key of a kind that can be checked")
    if of(user).count() >= MOST_FOR_A_USER:
        raise AccountError(ErrorCode.TOO_MANY_PASSKEYS)
    try:
        with transaction.atomic():
            return Passkey.objects.create(
                user=user,
                name=name,
                credential_hash=_hash(data.credential_id),
                credential=bytes(data),
                sign_count=made.counter,
                is_backed_up=_is_backed_up(made),
                created_at=now,
                last_used_at=now,
            )
    except IntegrityError:
        raise AccountError(ErrorCode.INVALID_PASSKEY) from None


def check(state: str, credential: Mapping[str, Any], *, user_id: uuid.UUID | None) -> Proof:
    """The passkey that has signed the challenge of begin_login().

    user_id: the same as for begin_login(). Raises AccountError(INVALID_PASSKEY).
    """
    expected = _open(state, "log in", str(user_id) if user_id else "")
    with _refusing():
        response = _checked(credential, AuthenticationResponse)
        credential_hash, handle = _hash(response.raw_id), response.response.user_handle
        data = response.response.authenticator_data
    passkey = Passkey.objects.filter(credential_hash=credential_hash).first()
    if passkey is None or user_id not in (None, passkey.user_id) or handle not in (None, passkey.user_id.bytes):
        raise AccountError(ErrorCode.INVALID_PASSKEY)
    with _refusing():
        _server().authenticate_complete(expected, [_data(passkey)], response)
    return Proof(passkey=passkey, sign_count=data.counter, is_backed_up=_is_backed_up(data))


def note_use(proof: Proof, *, now: datetime) -> bool:
    """Writes that it was used. Returns False for a count that has not grown, as that of a copy (WebAuthn §6.1.1)."""
    these = Passkey.objects.filter(pk=proof.passkey.pk)
    these = these.filter(Q(sign_count__lt=proof.sign_count) | Q(sign_count=0) if proof.sign_count else Q(sign_count=0))
    return bool(these.update(sign_count=proof.sign_count, is_backed_up=proof.is_backed_up, last_used_at=now))


def of(user: User) -> Any:
    return Passkey.objects.filter(user=user).order_by("created_at", "pk")


def rename(user: User, id: uuid.UUID, name: str) -> Passkey | None:
    """Renames the passkey of this user and id, and returns it; None if there is none."""
    Passkey.objects.filter(user=user, pk=id).update(name=name)
    return Passkey.objects.filter(user=user, pk=id).first()


def remove(user: User, *, since: datetime | None = None, id: uuid.UUID | None = None) -> bool:
    """Removes the passkeys added at `since` or later, or the one of this id, or all. Returns whether there were any."""
    these = Passkey.objects.filter(user=user)
    if since is not None:
        these = these.filter(created_at__gte=since)
    if id is not None:
        these = these.filter(pk=id)
    return bool(these.delete()[0])


@contextmanager
def _refusing() -> Iterator[None]:
    """Raises AccountError(INVALID_PASSKEY) for the many kinds of errors with which the library refuses input.

    No query belongs inside: an unreachable database is no refusal.
    """
    try:
        yield
    except Exception as error:
        raise AccountError(ErrorCode.INVALID_PASSKEY) from error


def _server() -> Fido2Server:
    relying_party = PublicKeyCredentialRpEntity(id=conf.host_name, name=conf.issuer_name)
    return Fido2Server(relying_party, verify_origin=lambda origin: origin in conf.own_origins)


def _data(passkey: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(bytes(passkey.credential))


def _is_backed_up(data: AuthenticatorData) -> bool:
    return bool(data.flags & AuthenticatorData.FLAG.BS)


def _checked(credential: Mapping[str, Any], kind: Any) -> Any:
    if len(json.dumps(credential)) > LONGEST_CREDENTIAL:
        raise ValueError("longer than any")
    return kind.from_dict(credential)


def _hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def hash_of(credential: bytes) -> str:
    """The key by which a stored credential is looked up. Raises ValueError for bytes that are no credential."""
    return _hash(AttestedCredentialData(credential).credential_id)


def _seal(purpose: str, user_id: str, state: Mapping[str, Any]) -> str:
    return encryption.encrypt(json.dumps([purpose, user_id, dict(state)]).encode(), PURPOSE)


def _open(text: str, purpose: str, user_id: str) -> dict[str, Any]:
    """The state of a ceremony of this purpose and user. Raises AccountError(INVALID_PASSKEY)."""
    content = None
    if len(text) <= LONGEST_STATE and text.isascii():
        content = encryption.decrypt(text, PURPOSE, seconds=int(LIFETIME.total_seconds()))
    if content is None:
        raise AccountError(ErrorCode.INVALID_PASSKEY)
    found_purpose, found_user_id, state = json.loads(content)
    if (found_purpose, found_user_id) != (purpose, user_id):
        raise AccountError(ErrorCode.INVALID_PASSKEY)
    return dict(state)
