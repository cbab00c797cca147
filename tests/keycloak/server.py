"""Keycloak, out of its distribution in Maven Central: needs Java 17 and mvn. It is kept outside of the repository."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.provider import CLIENT_ID, CLIENT_SECRET
from tests.sdk.__main__ import alone
from tests.sdk.sdks import CACHE
from tests.servers import free_port

VERSION = "26.5.6"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
PASSWORD = "correct-horse-9"
REALM = "acme"
# Seconds that a first start may take: Keycloak builds itself then.
PATIENCE = 180


def installed() -> Path:
    """The folder of the distribution, downloaded once."""
    home = CACHE / f"keycloak-{VERSION}"
    with alone():
        if not home.exists():
            folder = CACHE / "keycloak-download"
            artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
            command = ["mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
            subprocess.run(command, check=True)
            with zipfile.ZipFile(folder / f"keycloak-quarkus-dist-{VERSION}.zip") as archive:
                archive.extractall(folder)
            (folder / f"keycloak-{VERSION}" / "bin" / "kc.sh").chmod(0o755)
            (folder / f"keycloak-{VERSION}").rename(home)
            shutil.rmtree(folder)
    return home


def realm() -> dict[str, Any]:
    """Everybody has an address at example.org, which is verified but for mallory's."""

    def client(client_id: str, secret: str) -> dict[str, Any]:
        return {
            "clientId": client_id,
            "secret": secret,
            "redirectUris": ["*"],
            "directAccessGrantsEnabled": True,
            "attributes": {"pkce.code.challenge.method": "S256"},
        }

    def person(name: str) -> dict[str, Any]:
        return {
            "username": name,
            "email": f"{name}@example.org",
            "emailVerified": name != "mallory",
            "firstName": name,
            "lastName": "Example",
            "enabled": True,
            "credentials": [{"type": "password", "value": PASSWORD}],
        }

    return {
        "realm": REALM,
        "enabled": True,
        "clients": [client(CLIENT_ID, CLIENT_SECRET), client("another-client", "another-secret")],
        "users": [person("alice"), person("mallory")],
    }


@dataclass
class Keycloak:
    """A running one; see tests.journeys.providers.Provider."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}/realms/{REALM}"

    @property
    def authorization_endpoint(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/auth"

    def send_back(self, url: str, person: str) -> dict[str, str]:
        browser = requests.Session()
        page = browser.get(url, timeout=30)
        form = re.search(r'id="kc-form-login"[^>]*action="([^"]+)"', page.text)
        assert form, page.text
        answer = browser.post(
            html.unescape(form[1]),
            {"username": person, "password": PASSWORD},
            allow_redirects=False,
            timeout=30,
            # Keycloak says that its cookies are for https alone, which browsers do not mind on this host.
            headers={"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)},
        )
        assert answer.status_code == 302, answer.text
        return dict(re.findall(r"[?&]([a-z_]+)=([^&#]+)", requests.utils.unquote(answer.headers["Location"])))

    def id_token(self, client_id: str, secret: str) -> str:
        """One of alice's that Keycloak made for this client."""
        form = {"grant_type": "password", "scope": "openid", "username": "alice", "password": PASSWORD}
        client = {"client_id": client_id, "client_secret": secret}
        return str(self._post(f"{self.issuer}/protocol/openid-connect/token", {**form, **client})["id_token"])

    def change_keys(self) -> None:
        """Keycloak signs with a new key from now on."""
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": PASSWORD}
        token = self._post(f"http://localhost:{self.port}/realms/master/protocol/openid-connect/token", form)
        answer = requests.post(
            f"http://localhost:{self.port}/admin/realms/{REALM}/components",
            json={
                "name": "next",
                "providerId": "rsa-generated",
                "providerType": "org.keycloak.keys.KeyProvider",
                "config": {"priority": [str(int(time.time()))]},
            },
            headers={"Authorization": f"Bearer {token['access_token']}"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text

    def stop(self) -> None:
        """It takes connections and answers nothing."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def _post(self, url: str, form: dict[str, str]) -> Any:
        answer = requests.post(url, form, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def serving() -> Iterator[Keycloak]:
    home, port = installed(), free_port()
    realms = home / "data" / "import"
    realms.mkdir(parents=True, exist_ok=True)
    (realms / "realm.json").write_text(json.dumps(realm()))
    command = [home / "bin" / "kc.sh", "start-dev", "--db=dev-mem", "--import-realm"]
    where = [f"--http-port={port}", "--http-host=127.0.0.1", f"--http-management-port={free_port()}"]
    administrator = {"KC_BOOTSTRAP_ADMIN_USERNAME": "admin", "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD}
    with subprocess.Popen(
        [*command, *where],
        env={**os.environ, **administrator},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        keycloak = Keycloak(port=port, process=process)
        try:
            wait_for(keycloak)
            yield keycloak
        finally:
            keycloak.go_on()
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(keycloak: Keycloak) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if requests.get(f"{keycloak.issuer}/.well-known/openid-configuration", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < end, "Keycloak does not start"
        assert keycloak.process.poll() is None, "Keycloak has ended"
        time.sleep(0.5)
