"""What is committed for others to read is what the code says: OpenAPI, client documentation, message catalogues."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polib
import pytest
from django.test import Client

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
                    assert "400" in operation["responses"], where
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
