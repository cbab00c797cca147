from datetime import datetime
from typing import Self

from django.db import models

from accounts.models.session import SessionKind
from accounts.models.user import User


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def live(self, now: datetime) -> Self:
        """Challenges that are not spent, not expired, and have tries left."""
        return self.filter(spent_at=None, expires_at__gt=now, tries_left__gt=0)


class Challenge(models.Model):
    """A login that needs another proof before its session begins (services/challenges.py)."""

    # The hash of the text that the client holds.
    id = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # The methods that were proved, separated by blanks.
    proved = models.CharField(max_length=64)
    # The hash of the password that was proved. A new password ends the challenge.
    password_hash = models.CharField(max_length=64)
    # Properties of the session that is to begin.
    kind = models.CharField(max_length=16, choices=SessionKind)
    lifetime = models.DurationField(null=True)
    # The key under which limits count wrong answers.
    counted_as = models.CharField(max_length=100)
    tries_left = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True)

    objects = ChallengeQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.user_id)
