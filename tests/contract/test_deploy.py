"""The examples for operators name existing variables, paths, metrics and alerts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from tests.contract.test_repository import READ

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
ALERTS = yaml.safe_load((ROOT / "docs" / "monitoring" / "alerts.yml").read_text())["groups"][0]["rules"]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
# Variables of PostgreSQL's image and of Python.
OF_OTHERS = {"POSTGRES_PASSWORD", "POSTGRES_USER", "PYTHONUNBUFFERED", "DATABASE_URL"}


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def values(part: Any, name: str) -> Iterator[Any]:
    """All values under the key `name`, at any depth."""
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == name)
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from values(inner, name)


@pytest.mark.parametrize("path", [*sorted(DEPLOY.iterdir()), ROOT / "compose.yaml"], ids=lambda path: path.name)
def test_every_variable_is_one(path: Path) -> None:
    named = set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)\b", path.read_text())) - OF_OTHERS
    assert named <= READ


def test_the_composition_hands_every_variable_over() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("migrate", "web", "worker"):
        assert services[name]["env_file"] == [{"path": ".env", "format": "raw"}]
        assert services[name]["read_only"] is True
    assert "/readyz" in services["web"]["healthcheck"]["test"][-1]


@pytest.mark.django_db
def test_the_probes_of_kubernetes_are_answered() -> None:
    probes = [
        probe for kind in ("startupProbe", "livenessProbe", "readinessProbe") for probe in values(manifests(), kind)
    ]
    assert len(probes) == 3
    for probe in probes:
        assert Client().get(probe["httpGet"]["path"], headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_the_pods_have_no_root_and_write_nowhere_else() -> None:
    pods = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] in ("Deployment", "Job")]
    assert len(pods) == 3
    for pod in pods:
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        for container in pod["containers"]:
            confined = container["securityContext"]
            assert (confined["readOnlyRootFilesystem"], confined["allowPrivilegeEscalation"]) == (True, False)
    assert {one["kind"] for one in manifests()} == {"Job", "Deployment", "PodDisruptionBudget", "Service"}


def test_each_alert_is_explained() -> None:
    assert re.findall(r"^\| `(Accounts\w+)` \|", OPERATIONS, re.MULTILINE) == [rule["alert"] for rule in ALERTS]
