"""Real clients: the document's curl and axios lines as printed, and a generated TypeScript client."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.clients.fastapi_users import FastAPIUsers

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1].parent / "shared" / "spec" / "fastapi-users-flow.ru.md"
EMAIL = "king.arthur@camelot.bt"
PRINTED_ID = "4fd3477b-eccf-4ee3-8f7d-68ad72261476"
PACKAGES = ("axios@1.21.1", "typescript@5.9.3", "@types/node@20.19.43")

needs_document = pytest.mark.skipif(
    not DOCUMENT.exists(), reason="the contract's documents are not beside the checkout"
)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="Node.js and npm are not installed"
)
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed")


@dataclass
class Said:
    status: int
    body: str

    def user(self) -> dict[str, Any]:
        user: dict[str, Any] = json.loads(self.body)
        return user


def run(command: list[str], **kwargs: Any) -> str:
    """The output of a command. If the command fails, raises AssertionError with its whole output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, **kwargs)
    assert done.returncode == 0, f"{command[:4]}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm packages."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text("{}")
    run(["npm", "install", "--no-audit", "--no-fund", "--save-exact", *PACKAGES], cwd=folder)
    return folder


def printed(language: str) -> list[str]:
    """The document's examples in one language, in their order. The fence of the last one is broken in the document."""
    blocks = re.findall(rf"```\s*{language}\n(.*?)\n\s*``", DOCUMENT.read_text(), re.DOTALL)
    assert len(blocks) == 9
    return blocks


class Reader:
    """Goes through the document, with strong passwords and real ids and tokens in place of the printed ones."""

    def __init__(self, base_url: str, execute: Any) -> None:
        self.base_url = base_url
        self.execute = execute
        self.token = ""
        self.id = ""

    def do(self, block: str) -> Said:
        text = block.replace("http://localhost:8000", self.base_url).replace(PRINTED_ID, self.id)
        text = text.replace("guinevere", PASSWORD).replace("lancelot", NEW_PASSWORD)
        text = re.sub(r"(TOKEN ?= ?)([\"'])[^\"']+\2", rf"\1\2{self.token}\2", text)
        said: Said = self.execute(text, {"TOKEN": self.token})
        return said


def go_through(reader: Reader, blocks: list[str]) -> None:
    """Runs the whole document, and checks each answer against it."""
    register, login, cookie_login, me, patch_me, read, patch, delete, logout = blocks
    registered = reader.do(register)
    assert registered.status == 201
    user = registered.user()
    assert user == {
        "id": str(User.objects.get().pk),
        "email": EMAIL,
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
    }
    logged_in = reader.do(login)
    assert logged_in.status == 200
    assert set(json.loads(logged_in.body)) == {"access_token", "token_type"}
    reader.token = json.loads(logged_in.body)["access_token"]
    by_cookie = reader.do(cookie_login)
    assert (by_cookie.status, by_cookie.body) == (204, "")
    assert Session.objects.count() == 2
    assert reader.do(me).user() == user
    changed = reader.do(patch_me)
    assert (changed.status, changed.user()) == (200, user)

    # "The first superuser can be set at the level of the database only."
    User.objects.update(is_superuser=True)
    other = FastAPIUsers().register("lancelot@camelot.bt").json()
    reader.id = other["id"]
    assert reader.do(read).user() == other
    assert reader.do(patch).user() == {**other, "is_superuser": True}
    deleted = reader.do(delete)
    assert (deleted.status, deleted.body) == (204, "")
    gone = reader.do(read)
    assert (gone.status, json.loads(gone.body)) == (404, {"detail": "Not Found"})

    out = reader.do(logout)
    assert (out.status, out.body) == (204, "")
    assert reader.do(me).status == 401
    assert FastAPIUsers().login(EMAIL, NEW_PASSWORD).status_code == 200


@needs_document
@needs_curl
def test_curl_as_printed(live_server: Any) -> None:
    def execute(text: str, env: dict[str, str]) -> Said:
        script = f"curl() {{ command curl --silent --write-out '\\n%{{http_code}}' \"$@\"; }}\n{text}"
        output = run(["bash", "-c", script], env=os.environ | env)
        body, _newline, status = output.rpartition("\n")
        return Said(int(status), body)

    go_through(Reader(live_server.url, execute), printed("bash"))


@needs_document
@needs_node
def test_axios_as_printed(live_server: Any, node_folder: Path) -> None:
    prelude = """
        import axios from 'axios';
        const say = ({status, data}) => process.stderr.write(JSON.stringify({status, data}));
        axios.interceptors.response.use(
            (answer) => { say(answer); return answer; },
            (error) => { say(error.response); throw error; },
        );
    """

    def execute(text: str, env: dict[str, str]) -> Said:
        given = "" if "const TOKEN" in text else "const TOKEN = process.env.TOKEN;\n"
        done = subprocess.run(
            ["node", "--input-type=module", "--eval", prelude + given + text],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=node_folder,
            env=os.environ | env,
        )
        answer = json.loads(done.stderr)
        return Said(answer["status"], answer["data"] if answer["data"] == "" else json.dumps(answer["data"]))

    go_through(Reader(live_server.url, execute), printed("ts"))


@pytest.fixture
def superuser(transactional_db: Any) -> str:
    FastAPIUsers().register("merlin@camelot.bt")
    User.objects.update(is_superuser=True)
    return "merlin@camelot.bt"


@needs_node
@needs_java
def test_generated_typescript_client(live_server: Any, superuser: str, node_folder: Path) -> None:
    from django.test import Client

    (node_folder / "openapi.json").write_bytes(Client().get("/openapi.json").content)
    generator = Path(sys.executable).parent / "openapi-generator-cli"
    generate = [str(generator), "generate", "-g", "typescript-axios", "-i", "openapi.json", "-o", "client"]
    run(generate, cwd=node_folder)
    shutil.copy(HERE / "fastapi_users_client.ts", node_folder / "flow.ts")
    options = ["--target", "es2022", "--module", "commonjs", "--esModuleInterop", "--strict", "--skipLibCheck"]
    run(["npx", "--no-install", "tsc", *options, "flow.ts"], cwd=node_folder)
    env = {
        "BASE_URL": live_server.url,
        "PASSWORD": PASSWORD,
        "NEW_PASSWORD": NEW_PASSWORD,
        "SUPERUSER": superuser,
    }
    assert run(["node", "flow.js"], cwd=node_folder, env=os.environ | env) == "the flow is through\n"
