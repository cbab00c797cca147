from django.db import models


class HashKind(models.Model):
    """A kind of password hash of another system that users have: its algorithm and its parameters.

    Logins read these rows, so that a wrong password always takes as long as the slowest kind (services/hash_times.py).
    """

    # The hash without salt and result, such as `pbkdf2_sha256$1000000`.
    kind = models.CharField(max_length=128, primary_key=True)
    # How long it takes to verify such a hash and to make one of ours, measured on the machine that moved users in.
    seconds = models.FloatField()

    def __str__(self) -> str:
        return self.kind
