"""Requests that a client may repeat under one Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

The row of a request is written in the transaction of its act: it exists exactly if the act was done. A client that lost
the answer repeats the request and gets the stored answer. A refusal stores nothing.

An answer may hold tokens, so the database alone does not reveal it: the row's id and the encryption key are derived
from the client's key, and that key is not stored.
"""

import base64
import hashlib
import hmac
import json
import uuid
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.db import IntegrityError, transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext, RepeatKey
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import IdempotentRequest

# How long an answer is stored (contract).
KEPT = timedelta(days=1)
LONGEST = 255


def repeat_key(text: str, *, user_id: uuid.UUID | None, path: str, body: Any) -> RepeatKey:
    """The key of a request whose header Idempotency-Key is `text`, with the quotes of RFC 9651 or without.

    user_id: the user whom the request's token names, live or not. body: the parsed body, of JSON's types. Raises
    AccountError(IDEMPOTENCY_KEY_INVALID) unless the key has 1 to 255 visible ASCII characters.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not (0 < len(text) <= LONGEST and text.isascii() and text.isprintable()):
        raise AccountError(ErrorCode.IDEMPOTENCY_KEY_INVALID)
    secret = _mac("key", str(user_id), text)
    return RepeatKey(
        id=_mac("id", secret),
        secret=secret,
        fingerprint=_mac("fingerprint", secret, path, json.dumps(body, sort_keys=True, default=str)),
    )


def done_before(key: RepeatKey) -> IdempotentRequest | None:
    """The row of the request that was carried out under this key within KEPT, or None.

    Raises AccountError(IDEMPOTENCY_KEY_REUSED) if that request had another path or body.
    """
    row = IdempotentRequest.objects.filter(pk=key.id, at__gt=clock.now() - KEPT).first()
    if row is not None and not hmac.compare_digest(row.fingerprint, key.fingerprint):
        raise AccountError(ErrorCode.IDEMPOTENCY_KEY_REUSED)
    return row


def note(context: ClientContext) -> None:
    """Writes that the request was carried out; called in the transaction of its act.

    Raises AccountError(IDEMPOTENCY_KEY_IN_USE) if another request under the same key was faster; the act must then be
    rolled back.
    """
    key = context.repeat_key
    if key is None:
        return
    IdempotentRequest.objects.filter(pk=key.id, at__lte=clock.now() - KEPT).delete()
    try:
        with transaction.atomic():
            IdempotentRequest.objects.create(pk=key.id, fingerprint=key.fingerprint, at=clock.now())
    except IntegrityError as error:
        raise AccountError(ErrorCode.IDEMPOTENCY_KEY_IN_USE, data={"retry_after": 1}) from error


def keep(key: RepeatKey, answer: dict[str, Any]) -> None:
    """Stores the answer of the request that was carried out under `key`; nothing if the request wrote no row."""
    sealed = _cipher(key).encrypt(json.dumps(answer).encode()).decode()
    IdempotentRequest.objects.filter(pk=key.id).update(answer=sealed)


def kept_answer(row: IdempotentRequest, key: RepeatKey) -> dict[str, Any] | None:
    """The answer that keep() has stored; None without one, for example if the worker was killed before it answered."""
    try:
        answer: dict[str, Any] = json.loads(_cipher(key).decrypt(row.answer))
    except InvalidToken:
        return None
    return answer


def _cipher(key: RepeatKey) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(bytes.fromhex(_mac("answer", key.secret))))


def _mac(purpose: str, *parts: str) -> str:
    message = json.dumps(["idempotency", purpose, *parts]).encode()
    return hmac.new(conf.secret_keys[0].encode(), message, hashlib.sha256).hexdigest()
