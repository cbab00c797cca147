from django.db import models


class HourlyCount(models.Model):
    """How often something happened in one hour of UTC, or how much of it there was (services/counts.py)."""

    # A kind of security events, or a gauge.
    metric = models.CharField(max_length=32)
    # The beginning of the hour.
    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "metric"], name="hourly_count_once")]

    def __str__(self) -> str:
        return f"{self.metric} {self.hour:%Y-%m-%d %H}"


class Upkeep(models.Model):
    """When a recurring task of the worker was last done. The worker locks the row during the task."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField(null=True)
    # The time up to which the work is done, for tasks that have such a time.
    done_until = models.DateTimeField(null=True)

    class Meta:
        # Permissions that belong to no table.
        permissions = [
            ("view_configuration", "Can see the settings of the server"),
            ("probe_server", "Can have the server looked at by the doctor"),
        ]

    def __str__(self) -> str:
        return self.name
