"""The manifests: valid by the schemas of Kubernetes itself, and true to the server they run."""

from itertools import chain
from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from capgo_mcp.client.clock import SystemClock
from capgo_mcp.client.login_limiter import BLOCKED_AT, LocalLoginLimiter
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.options import HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES, SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import application, longest_drain
from capgo_mcp.http.settings import HttpSettings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "kubernetes"
OLDEST: Final = "1.32"
"""The oldest Kubernetes the manifests are for: before, a pod could not simply sleep when it stops."""

Manifest = dict[str, Any]


def manifests(name: str) -> list[Manifest]:
    """The manifests in a file."""
    return [one for one in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")) if one]


def manifest(kind: str) -> Manifest:
    """The only manifest of a kind."""
    (found,) = [one for path in FOLDER.glob("*.yaml") for one in manifests(path.name) if one["kind"] == kind]
    return found


def container() -> Manifest:
    """The only container of the deployment."""
    (found,) = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


# The validator leaves closing its schema files to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))
def test_manifests_are_valid(name: str, version: str) -> None:
    """Every manifest passes the schema of its kind, without a field that is unknown."""
    for one in manifests(name):
        if one["kind"] != "Kustomization":  # read by kubectl, and unknown to the cluster
            kubernetes_validate.validate(one, version, strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    """Nothing is left out but the example of a secret."""
    (kustomization,) = manifests("kustomization.yaml")
    others = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert set(kustomization["resources"]) == others


def test_everything_selects_the_same_pods() -> None:
    """Service, disruption budget, network policy and deployment mean the pods that the deployment makes."""
    spec = manifest("Deployment")["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    assert manifest("Service")["spec"]["selector"] == labels
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    target = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", manifest("Deployment")["metadata"]["name"])


def test_the_deployment_runs_this_server() -> None:
    """Its variables are options, its settings let the server start, and its probes are routes."""
    variables = {one["name"]: one.get("value") for one in container()["env"]}
    options = {option.variable for option in chain(OPTIONS, HTTP_OPTIONS)}
    assert variables.keys() <= options | VARIABLES.keys() | HTTP_VARIABLES.keys()
    given = {name: value for name, value in variables.items() if value} | {"CAPGO_MCP_STATE_KEYS": "s" * 64}
    http = HttpSettings.read({}, Settings(key=NoKey()), given)
    paths = {getattr(route, "path", None) for route in application(Settings(key=NoKey()), http).routes}
    assert {container()[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")} <= paths
    assert container()["ports"][0]["containerPort"] == http.port


def test_no_number_of_pods_can_get_their_address_blocked() -> None:
    """As many pods as there can ever be, with the keys that each of them may try, stay below what Capgo counts to."""
    most = manifest("HorizontalPodAutoscaler")["spec"]["maxReplicas"]
    most += manifest("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    given = {one["name"]: one["value"] for one in container()["env"] if "value" in one}
    http = HttpSettings.read({}, Settings(key=NoKey()), given)
    assert http.replicas >= most
    assert most * http.workers * LocalLoginLimiter.of(SystemClock(), http.processes).most < BLOCKED_AT


@pytest.mark.parametrize("processes", range(1, BLOCKED_AT))
def test_processes_without_shared_state_stay_below_what_capgo_bears(processes: int) -> None:
    """However many processes share an address, each may try at least one key, and all together too few."""
    most = LocalLoginLimiter.of(SystemClock(), processes).most
    assert most >= 1
    assert processes * most < BLOCKED_AT


def test_a_running_call_is_given_the_time_it_may_take() -> None:
    """A pod is killed only after the pause, the notice of the server and the longest call are over."""
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    pause = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest = HttpSettings().drain_notice + longest_drain(Settings(key=NoKey()))
    assert pod["terminationGracePeriodSeconds"] > pause + longest


def test_the_container_may_do_nothing_it_does_not_need() -> None:
    """No root, no capability, nothing to write to; the image has the same user."""
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    security = container()["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_example_of_a_secret_is_none() -> None:
    """Whoever applies it as it is gets a server that refuses to start."""
    (example,) = manifests("secret.example.yaml")
    with pytest.raises(SettingsError):
        HttpSettings.read({}, Settings(key=NoKey()), {"CAPGO_MCP_STATE_KEYS": example["stringData"]["state-keys"]})
