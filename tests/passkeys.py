"""An authenticator in software, for hostile input and for races. tests/browser uses that of Chromium."""

import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG
VERIFIED = FLAG.UP | FLAG.UV


class Authenticator:
    """One credential. changes: make its answers hostile."""

    def __init__(self, origin: str = "http://127.0.0.1:8000", rp_id: str = "127.0.0.1") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.handle = b""
        self.count = 0

    def create(self, options: dict[str, Any], *, flags: FLAG = VERIFIED, **changes: Any) -> dict[str, Any]:
        """The result of navigator.credentials.create()."""
        self.handle = websafe_decode(options["user"]["id"])
        data = AttestedCredentialData.create(Aaguid.NONE, self.id, ES256.from_cryptography_key(self.key.public_key()))
        auth_data = AuthenticatorData.create(self._rp_hash(changes), flags | FLAG.AT, self.count, bytes(data))
        attestation = changes.get("attestation") or bytes(AttestationObject.create("none", auth_data, {}))
        client_data = self._client_data("webauthn.create", options, changes)
        return self._answer(clientDataJSON=websafe_encode(client_data), attestationObject=websafe_encode(attestation))

    def get(self, options: dict[str, Any], *, flags: FLAG = VERIFIED, **changes: Any) -> dict[str, Any]:
        """The result of navigator.credentials.get()."""
        self.count = changes.get("count", self.count + 1)
        auth_data = AuthenticatorData.create(self._rp_hash(changes), flags, self.count)
        client_data = self._client_data("webauthn.get", options, changes)
        signed = bytes(auth_data) + sha256(client_data)
        key = changes.get("key", self.key)
        return self._answer(
            clientDataJSON=websafe_encode(client_data),
            authenticatorData=websafe_encode(bytes(auth_data)),
            signature=websafe_encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            userHandle=websafe_encode(changes.get("handle", self.handle)),
        )

    def _rp_hash(self, changes: dict[str, Any]) -> bytes:
        return bytes(sha256(str(changes.get("rp_id", self.rp_id)).encode()))

    def _client_data(self, type_: str, options: dict[str, Any], changes: dict[str, Any]) -> bytes:
        told = {
            "type": changes.get("type", type_),
            "challenge": changes.get("signed_challenge", options["challenge"]),
            "origin": changes.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(told).encode()

    def _answer(self, **response: str) -> dict[str, Any]:
        id = websafe_encode(self.id)
        return {"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}}
