"""The metrics for Prometheus. Every label has few values, and no label contains text from a client."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "accounts_requests", "Requests, by dialect, operation and status.", ["dialect", "operation", "status"]
)
REQUEST_SECONDS = Histogram(
    "accounts_request_seconds",
    "How long requests took, in seconds.",
    ["dialect", "operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SECURITY_EVENTS = Counter("accounts_security_events", "Security events, such as logins.", ["kind", "dialect"])
REFRESHES = Counter("accounts_refreshes", "Refreshes of tokens, by what the refresh token was.", ["outcome"])
LIMITS_REACHED = Counter("accounts_limits_reached", "Requests that were refused because of a limit.", ["limit"])
HASHES_WAITING = Gauge(
    "accounts_hashes_waiting", "Passwords that are hashed or wait for it.", multiprocess_mode="livesum"
)
CONNECTIONS_IN_USE = Gauge(
    "accounts_database_connections_in_use", "Connections taken out of the pools.", multiprocess_mode="livesum"
)
