from django.db import models


class HourlyCount(models.Model):
    """How often something happened in one hour of UTC, or how much of it there was then (services/counts.py)."""

    # A kind of security events, or a gauge.
    metric = models.CharField(max_length=32)
    # Its beginning.
    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "metric"], name="hourly_count_once")]

    def __str__(self) -> str:
        return f"{self.metric} {self.hour:%Y-%m-%d %H}"


class Upkeep(models.Model):
    """When something that the worker does again and again was last done; whoever does it locks its row meanwhile."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField(null=True)
    # Up to when its work is done, where that says something.
    done_until = models.DateTimeField(null=True)

    class Meta:
        # They belong to no table.
        permissions = [
            ("view_configuration", "Can see the settings of the server"),
            ("probe_server", "Can have the server looked at by the doctor"),
        ]

    def __str__(self) -> str:
        return self.name
