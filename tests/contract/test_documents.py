"""The committed documents agree with the code: OpenAPI, client documentation, message catalogues."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import polib
import pytest
from django.test import Client

from accounts.api.authapi.errors import WIRE
from tests import messages

ROOT = messages.ROOT
SPEC = ROOT.parent / "shared" / "spec"
needs_spec = pytest.mark.skipif(not SPEC.is_dir(), reason="the contract's documents are not beside this checkout")
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="NOT CHECKED: no Java, which the generator needs")


def fetch(path: str) -> Any:
    return Client().get(path)


@pytest.mark.django_db
class TestOpenApi:
    @pytest.mark.parametrize(
        ("query", "summary"),
        [
            ("", "Авторизация пользователя"),
            ("&lang=ru", "Авторизация пользователя"),
            ("&lang=en", "Log a user in"),
            ("&lang=uk", "Вхід користувача"),
            ("&lang=xx", "Авторизация пользователя"),
        ],
    )
    def test_languages(self, query: str, summary: str) -> None:
        document = fetch(f"/api/schema/?format=json{query}").json()
        assert document["paths"]["/api/auth/login/"]["post"]["summary"] == summary

    def test_language_of_the_browser_does_not_matter(self) -> None:
        answer = Client().get("/api/schema/?format=json", headers={"Accept-Language": "uk"})
        assert answer.json()["paths"]["/api/auth/login/"]["post"]["summary"] == "Авторизация пользователя"

    def test_is_valid(self) -> None:
        from drf_spectacular.validation import validate_schema

        validate_schema(fetch("/api/schema/?format=json").json())

    def test_every_operation_tells_its_refusals(self) -> None:
        document = fetch("/api/schema/?format=json").json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                where = f"{method} {path}"
                # FastAPI Users answers 422 where DRF answers 400 and 415.
                is_authapi = path.startswith("/api/auth/")
                if is_authapi:
                    # Six operations take no body, and still refuse a body that is no object.
                    takes_none = (
                        "/logout/",
                        "/end-others/",
                        "/regenerate/",
                        "/register/begin/",
                        "/export/",
                        "/disconnect/",
                    )
                    reads = "requestBody" in operation or path.endswith(takes_none)
                    assert ("400" in operation["responses"]) is reads, where
                assert "503" in operation["responses"], where
                if operation.get("security") == [{"jwtAuth": []}]:
                    assert "401" in operation["responses"], where
                if "requestBody" in operation:
                    assert "413" in operation["responses"], where
                    assert "411" not in operation["responses"], where
                    if is_authapi:
                        assert "415" in operation["responses"], where
                        assert list(operation["requestBody"]["content"]) == [
                            "application/json",
                            "multipart/form-data",
                            "application/x-www-form-urlencoded",
                        ], where

    @pytest.mark.parametrize("path", ["/api/schema/?format=json", "/api/auth/schema/?format=json", "/openapi.json"])
    def test_every_refusal_has_a_name(self, path: str) -> None:
        """A generator would call an unnamed refusal AuthLoginCreate400Response."""
        document = fetch(path).json()
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        assert set(response["content"]["application/json"]["schema"]) == {"$ref"}
        assert "x-component" not in json.dumps(document)

    def test_no_name_is_a_languages(self) -> None:
        names = set(fetch("/api/schema/?format=json").json()["components"]["schemas"])
        assert {"Refusal", "ErrorCode", "SecurityEventKind", "RegistrationRefusal", "UserCreateRefusal"} <= names
        assert (
            names & {"Error", "Exception", "Object", "String", "Date", "Type", "Response", "Request", "Promise"}
            == set()
        )
        assert [name for name in names if re.search(r"Enum|\d", name)] == []
        # In Go, NewThing() makes a Thing.
        assert [name for name in names if name.startswith("New")] == []

    def test_codes_of_refusals_are_an_enum(self) -> None:
        schemas = fetch("/api/schema/?format=json").json()["components"]["schemas"]
        told = {code.value for code, wire in WIRE.items() if wire.field is None}
        assert set(schemas["ErrorCode"]["enum"]) - told == {
            "email_not_verified",
            "not_authenticated",
            "permission_denied",
            "bad_request",
            "parse_error",
            "not_found",
            "method_not_allowed",
            "body_too_large",
            "unsupported_media_type",
        }
        assert told - set(schemas["ErrorCode"]["enum"]) == set()
        refusals = {name: it["properties"] for name, it in schemas.items() if name.endswith("Refusal")}
        with_code = [properties["code"] for properties in refusals.values() if "code" in properties]
        assert with_code == [{"$ref": "#/components/schemas/ErrorCode"}] * 21
        words = [properties["detail"] for properties in refusals.values() if "code" not in properties]
        for word in words:
            named = schemas[word["$ref"].rpartition("/")[2]]
            assert "enum" in named or "oneOf" in named

    def test_a_refusal_says_when_to_ask_again(self) -> None:
        # These operations read no body, and send mail or ask a provider.
        limited = {
            "auth_socialaccounts_disconnect_create",
            "oauth_callback_auth_provider_callback_get",
            "oauth_associate_callback_auth_associate_provider_callback_get",
            "auth_mfa_recovery_codes_regenerate_create",
            "auth_passkeys_destroy",
            "auth_account_export_create",
        }
        for path in ("/api/schema/?format=json", "/openapi.json"):
            for operations in fetch(path).json()["paths"].values():
                for operation in operations.values():
                    for status, response in operation["responses"].items():
                        headers = response.get("headers", {})
                        assert (set(headers) == {"Retry-After"}) is (status in ("429", "503")), operation["operationId"]
                    is_limited = "requestBody" in operation or operation["operationId"] in limited
                    assert ("429" in operation["responses"]) is is_limited, operation["operationId"]

    def test_every_field_of_an_answer_is_there(self) -> None:
        """Some generators treat read-only and write-only fields as optional."""
        assert not re.search("readOnly|writeOnly", fetch("/api/schema/?format=json").content.decode())
        assert fetch("/api/schema/?format=json&media=form").content.decode().count("writeOnly") > 5

    def test_public_operations_say_so(self) -> None:
        """SDKs send no token there. The contract's document says that one may be sent, as AuthApi.md does."""
        both, contract = (
            {
                operation["operationId"]: operation.get("security")
                for operations in fetch(f"/api/schema/?format=json{media}").json()["paths"].values()
                for operation in operations.values()
            }
            for media in ("", "&media=form")
        )
        assert [id for id, security in both.items() if security is None] == []
        optional = {id for id, security in contract.items() if security == [{"jwtAuth": []}, {}]}
        assert optional == {
            "auth_login_create",
            "auth_password_reset_confirm_create",
            "auth_password_reset_create",
            "auth_registration_create",
            "auth_registration_resend_email_create",
            "auth_registration_verify_email_create",
        }
        unsaid = {id for id, security in contract.items() if security is None}
        assert {id for id, security in both.items() if security == []} == optional | unsaid
        assert len(unsaid) == 21

    def test_the_server_is_the_public_one(self, settings: Any) -> None:
        settings.PUBLIC_URL = "https://accounts.example.org"
        for path in ("/api/schema/?format=json", "/api/auth/schema/?format=json&media=json", "/openapi.json"):
            assert fetch(path).json()["servers"] == [{"url": "https://accounts.example.org"}]
        # AuthApi.md names no server.
        assert "servers" not in fetch("/api/schema/?format=json&media=form").json()

    def test_the_version_is_the_products(self) -> None:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        for path in ("/api/schema/?format=json", "/openapi.json"):
            assert fetch(path).json()["info"]["version"] == version

    @pytest.mark.parametrize("path", ["/api/docs/", "/api/docs/?script=", "/api/redoc/"])
    def test_pages_name_no_other_host(self, path: str) -> None:
        page = fetch(path)
        assert page.status_code == 200
        text = page.content.decode()
        assert re.findall(r"(?:https?:)?//[a-z]", text) == []
        for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
            answer = fetch(asset)
            assert answer.status_code == 200, asset
            answer.close()


class TestClientDocumentation:
    @needs_java
    def test_is_what_the_code_says(self, tmp_path: Path) -> None:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        subprocess.run(["bash", ".ci/client-docs", str(tmp_path / "client")], cwd=ROOT, env=environment, check=True)
        written = {path.relative_to(tmp_path / "client"): path.read_text() for path in tmp_path.rglob("*.md")}
        committed = ROOT / "docs" / "client"
        assert written == {path.relative_to(committed): path.read_text() for path in committed.rglob("*.md")}

    def test_links_lead_to_files_and_names(self) -> None:
        folder = ROOT / "docs" / "client"
        links = []
        for page in folder.rglob("*.md"):
            for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                file, _, name = link.partition("#")
                target = page.parent / file if file else page
                links.append(link)
                assert target.is_file(), f"{page.name}: {link}"
                assert not name or f'<a name="{name}"></a>' in target.read_text(), f"{page.name}: {link}"
        assert len(links) > 200

    @needs_spec
    def test_auth_api_is_the_contracts(self) -> None:
        ours, theirs = ROOT / "docs" / "client" / "apis" / "AuthApi.md", SPEC / "AuthApi.md"
        assert ours.read_bytes() == theirs.read_bytes()


class TestMessages:
    @pytest.mark.parametrize("language", list(messages.LANGUAGES))
    def test_everything_is_translated(self, language: str) -> None:
        catalogue = polib.pofile(str(messages.catalogue_path(language)))
        assert {entry.msgid: entry.msgid_plural for entry in catalogue} == messages.wanted()
        assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
        assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []

    @pytest.mark.parametrize("language", list(messages.LANGUAGES))
    def test_placeholders_are_kept(self, language: str) -> None:
        for entry in polib.pofile(str(messages.catalogue_path(language))):
            wanted = set(re.findall(r"%\(\w+\)[sd]", entry.msgid + entry.msgid_plural))
            for text in [entry.msgstr, *entry.msgstr_plural.values()]:
                if text:
                    assert set(re.findall(r"%\(\w+\)[sd]", text)) == wanted, entry.msgid

    @pytest.mark.parametrize("language", list(messages.LANGUAGES))
    def test_compiled_is_what_is_written(self, language: str) -> None:
        path = messages.catalogue_path(language)
        compiled = polib.mofile(str(path.with_suffix(".mo")))
        assert {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in compiled} == {
            entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in polib.pofile(str(path))
        }


def test_nothing_of_this_machine_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix != ".mo":
            assert str(ROOT.parent) + "/" not in path.read_text(errors="replace"), name
