import threading

import pytest
from django.db import close_old_connections, connection

from tests.clients.authapi import AuthApi


def _hang_up() -> None:
    """Ends this thread's connection from the server's side; SQLite has no server, so there it is closed here."""
    if connection.vendor == "sqlite":
        connection.close()
        return
    backend = connection.connection.info.backend_pid

    def terminate() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
            assert cursor.fetchone() == (True,)
        connection.close()

    thread = threading.Thread(target=terminate)
    thread.start()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_replaced_with_the_next_request(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    assert api.user(access).json()["username"] == "alice"
    lost = connection.connection
    _hang_up()
    # What Django does at the start of every request but those of its test client.
    close_old_connections()
    assert api.user(access).json()["username"] == "alice"
    assert connection.connection is not lost
