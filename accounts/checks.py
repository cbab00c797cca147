"""System checks of the account settings; each has an id, and its message names the environment variable."""

from typing import Any

from django.conf import settings
from django.core import checks

from accounts.core.conf import conf


@checks.register
def access_token_outlives_session(**kwargs: Any) -> list[checks.CheckMessage]:
    if conf.access_token_lifetime > conf.session_lifetime:
        return [checks.Error("ACCESS_TOKEN_MINUTES: an access token would outlive SESSION_DAYS", id="accounts.E001")]
    return []


@checks.register
def hosts_are_named(**kwargs: Any) -> list[checks.CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        return [checks.Warning("ALLOWED_HOSTS: * lets a request claim any host", id="accounts.W002")]
    return []


@checks.register
def rate_limits_are_on(**kwargs: Any) -> list[checks.CheckMessage]:
    if not conf.rate_limits_are_on:
        return [checks.Warning("RATE_LIMITS: off is for load tests only", id="accounts.W003")]
    return []
