"""Hashes that accounts bring along from elsewhere; the first login replaces them."""

import bcrypt
from django.contrib.auth.hashers import BCryptPasswordHasher

# What bcrypt looks at. Its library refuses a longer password, where older versions of it left out the rest.
BCRYPT_BYTES = 72


class BCryptHasher(BCryptPasswordHasher):
    """Django's, for passwords of any length."""

    def encode(self, password: str, salt: str | bytes) -> str:
        salt = salt.encode("ascii") if isinstance(salt, str) else salt
        return f"{self.algorithm}${bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], salt).decode('ascii')}"
