from datetime import datetime
from typing import Self

from django.db import models

from accounts.models.session import SessionKind
from accounts.models.user import User


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def live(self, now: datetime) -> Self:
        """Neither spent, nor past its time, nor guessed at too often."""
        return self.filter(spent_at=None, expires_at__gt=now, tries_left__gt=0)


class Challenge(models.Model):
    """What still has to be proved before a session begins, and what was proved so far (services/challenges.py)."""

    # Of the text that the client holds.
    id = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # The methods, with blanks between.
    proved = models.CharField(max_length=64)
    # Of the password that was proved: with another one this is over.
    password_hash = models.CharField(max_length=64)
    # Of the session that is to begin.
    kind = models.CharField(max_length=16, choices=SessionKind)
    lifetime = models.DurationField(null=True)
    # What limits count wrong answers by.
    counted_as = models.CharField(max_length=100)
    tries_left = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True)

    objects = ChallengeQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.user_id)
