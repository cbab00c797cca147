from django.db import models


class LimitCounter(models.Model):
    """How often something was done within one window of time, if no Redis counts it (services/limits.py)."""

    key = models.CharField(max_length=64, primary_key=True)
    hits = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
