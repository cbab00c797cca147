"""The files around the code agree with it: variables, links, targets of make, and the length of files."""

import ast
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = {
    "text",
    "whole_number",
    "choice",
    "names",
    "origin",
    "service",
    "link",
    "url",
    "hosts",
    "sender",
    "token",
    "origins",
    "providers",
    "redirect_urls",
}


def variables(path: Path) -> set[str]:
    """The environment variables that a file reads: by a reader of config.environment, or as a key of LIMITS."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            match node.args[0]:
                case ast.Constant(value=str(variable)) if name in READERS:
                    found.add(variable)
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["LIMITS"]:
            keys = [key for part in ast.walk(node) if isinstance(part, ast.Dict) for key in part.keys]
            found |= {key.value for key in keys if isinstance(key, ast.Constant)}
    return found


READ = variables(ROOT / "config" / "settings.py") | variables(ROOT / "config" / "environment.py")


def test_the_variables_are_found() -> None:
    assert {"SECRET_KEY", "PORT", "DATABASE_URL", "VERIFY_EMAIL_URL", "WRONG_PASSWORDS_PER_DAY", "HASH_QUEUE"} <= READ


def test_the_readme_lists_every_variable() -> None:
    table = (ROOT / "README.md").read_text().split("| variable | default | meaning |")[1].split("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| ")]
    assert {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)} == READ


def test_the_example_file_lists_every_variable() -> None:
    lines = re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(lines) == sorted(READ)


def tracked(pattern: str) -> list[Path]:
    """The files of the repository whose path fits this pattern."""
    listed = subprocess.run(["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def documents() -> list[Path]:
    """The repository's own *.md files. Those of docs/client are generated."""
    return [path for path in tracked("*.md") if not path.is_relative_to(ROOT / "docs" / "client")]


def test_no_python_file_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in tracked("*.py") if path.exists()}
    assert len(lengths) > 400
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > 400} == {}


def test_the_image_begins_with_an_image_that_cannot_change() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [bool(re.fullmatch(r"python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)) for base in bases] == [True]


def targets(text: str) -> list[str]:
    """The relative links of a document, without those in code."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: *(\S+)", text, re.MULTILINE)
    return [link for pair in found for link in pair if link and not re.match(r"[a-z]+:|#|//", link)]


def test_links_are_found() -> None:
    text = "[a](b.md#c) [d](https://example.org) [e](#f) `[g](h)`\n\n[i]: j/\n"
    assert targets(text) == ["b.md#c", "j/"]


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    missing = [
        link
        for link in targets(document.read_text())
        if not (document.parent / unquote(link.partition("#")[0])).exists()
    ]
    assert missing == []


def test_make_help_names_every_target() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = ["make", "--no-print-directory", "help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split("\t")[0] for line in shown.splitlines()} | {"help"} == set(phony.split())
