from django.db import models


class IdempotentRequest(models.Model):
    """A request that was carried out and must not be carried out again (services/idempotency.py)."""

    # A hash of the client's Idempotency-Key and its user.
    id = models.CharField(max_length=64, primary_key=True)
    # A hash of path and body.
    fingerprint = models.CharField(max_length=64)
    # Encrypted; empty until the request was answered.
    answer = models.TextField(blank=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.id
