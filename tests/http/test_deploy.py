"""What stands around the server: components for Kubernetes, compose, image and Prometheus, all valid and true."""

import json
import os
import shutil
import subprocess
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # its stubs are a distribution of their own
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.options import HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import PATH
from tests.support.tools import needed

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
SCHEMAS: Final = ROOT / "tests" / "data" / "schemas"
COMPONENTS: Final = sorted(path.name for path in (DEPLOY / "components").iterdir())
KNOWN: Final = {option.variable for option in chain(OPTIONS, HTTP_OPTIONS)} | VARIABLES.keys() | HTTP_VARIABLES.keys()

Manifest = dict[str, Any]


def read(path: str) -> Any:
    """A YAML file of the deployment."""
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


def built(folder: Path) -> list[Manifest]:
    """What kubectl would apply."""
    done = subprocess.run([needed("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def with_component(folder: Path, name: str) -> list[Manifest]:
    """The server with one component."""
    components = [f"../components/{name}"]
    shutil.copytree(DEPLOY / "components", folder / "components")
    shutil.copytree(DEPLOY / "kubernetes", folder / "kubernetes")
    (folder / "overlay").mkdir()
    kustomization = {"namespace": "capgo-mcp", "resources": ["../kubernetes"], "components": components}
    (folder / "overlay" / "kustomization.yaml").write_text(json.dumps(kustomization), encoding="utf-8")
    return built(folder / "overlay")


def kind(manifests: list[Manifest], kind: str, name: str = "capgo-mcp") -> Manifest:
    """The only manifest of a kind and a name."""
    (found,) = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


# The validator leaves closing its schema files to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("version", ["1.32", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_fits_the_server(tmp_path: Path, name: str, version: str) -> None:
    """Each component builds on the server alone into valid manifests, whose variables the server knows."""
    manifests = with_component(tmp_path, name)
    for one in manifests:
        kubernetes_validate.validate(one, version, strict=True)
    (container,) = kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    variables = {one["name"] for one in container["env"]}
    assert {name for name in variables if not name.startswith("OTEL_")} <= KNOWN
    assert variables > {"CAPGO_MCP_HOST", "CAPGO_MCP_ALLOWED_HOSTS"}, "nothing of the server itself is lost"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_overlay_is_whole() -> None:
    """The example builds into valid manifests, each of which has its namespace."""
    manifests = built(DEPLOY / "overlays" / "team")
    for one in manifests:
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    assert {one["metadata"].get("namespace") for one in manifests if one["kind"] != "Namespace"} == {"capgo-mcp"}


def test_the_front_reaches_the_server(tmp_path: Path) -> None:
    """Only the front may call the server, by the name and the port of its configuration; its pods are others."""
    manifests = with_component(tmp_path, "front")
    service = kind(manifests, "Service")
    configuration = (DEPLOY / "components" / "front" / "nginx.conf").read_text(encoding="utf-8")
    assert f"server {service['metadata']['name']}:{service['spec']['ports'][0]['port']} " in configuration
    labels = kind(manifests, "Deployment", "capgo-mcp-front")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() - labels.items()
    (rule,) = kind(manifests, "NetworkPolicy")["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": labels}}]


@pytest.mark.parametrize(("name", "port"), [("traces", 4318), ("own-capgo", 8000)])
def test_the_network_policy_lets_out_what_a_component_sends(tmp_path: Path, name: str, port: int) -> None:
    """Where a component sends something, the policy has a rule for that namespace and that port."""
    manifests = with_component(tmp_path, name)
    (container,) = kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    (address,) = [one["value"] for one in container["env"] if ".svc.cluster.local:" in str(one.get("value"))]
    rules = kind(manifests, "NetworkPolicy")["spec"]["egress"]
    (rule,) = [rule for rule in rules if {"port": port} in rule["ports"]]
    (to,) = [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["to"]]
    assert f".{to}.svc.cluster.local:{port}" in address


def test_only_the_server_reaches_what_replicas_share(tmp_path: Path) -> None:
    """The shared state takes connections from the server alone and makes none; the server may make them."""
    manifests = with_component(tmp_path, "valkey")
    service = kind(manifests, "Service", "capgo-mcp-valkey")
    pods = kind(manifests, "Deployment", "capgo-mcp-valkey")["spec"]["template"]["metadata"]["labels"]
    policy = kind(manifests, "NetworkPolicy", "capgo-mcp-valkey")["spec"]
    server = kind(manifests, "NetworkPolicy")["spec"]
    assert service["spec"]["selector"] == policy["podSelector"]["matchLabels"] == pods
    assert policy["ingress"][0]["from"] == [{"podSelector": server["podSelector"]}]
    assert "egress" not in policy
    assert {"to": [{"podSelector": {"matchLabels": pods}}], "ports": [{"port": 6379}]} in server["egress"]
    (container,) = kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    (url,) = [one["value"] for one in container["env"] if one["name"] == "CAPGO_MCP_SHARED_STATE"]
    assert url == f"redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"


def test_names_are_found_through_a_cache_on_the_node() -> None:
    """Where a cluster has a cache of names on each node, which is no pod, the policy lets it be asked."""
    asked = read("kubernetes/network.yaml")["spec"]["egress"][0]
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in asked["to"]
    assert {(one["protocol"], one["port"]) for one in asked["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_the_ingress_publishes_nothing_else() -> None:
    """Of the server's addresses only the protocol and the sign-in are reached from outside, with TLS and limits."""
    ingress = read("components/ingress/ingress.yaml")
    (rule,) = ingress["spec"]["rules"]
    assert {one["path"] for one in rule["http"]["paths"]} == {PATH, "/.well-known/oauth-protected-resource"}
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    notes = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert notes["proxy-body-size"] == "64k"
    assert notes["proxy-request-buffering"] == "on"
    assert {"limit-rps", "limit-connections", "proxy-read-timeout"} <= notes.keys()


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("compose/compose.yaml", "compose-spec"),
        ("prometheus/prometheus.yml", "prometheus"),
        ("prometheus/rules.yml", "prometheus.rules"),
    ],
)
def test_files_are_valid(path: str, schema: str) -> None:
    """Compose and Prometheus read their files: each passes the schema that its makers, or SchemaStore, publish."""
    rules = json.loads((SCHEMAS / f"{schema}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(rules).validate(read(path))


def test_compose_runs_this_server() -> None:
    """Its variables are options, what it mounts is here, its image has the extras, and its probe is a route."""
    services = read("compose/compose.yaml")["services"]
    server = services["capgo-mcp"]
    assert server["environment"].keys() <= KNOWN
    assert (DEPLOY / "compose" / server["build"]["context"] / "Dockerfile").exists()
    mounts = [mount.split(":")[0] for one in services.values() for mount in one.get("volumes", ())]
    files = {mount for mount in mounts if mount.startswith("../")}
    assert len(files) >= 3
    assert all((DEPLOY / "compose" / mount).is_file() for mount in files)
    assert "/readyz" in str(server["healthcheck"]["test"])
    longest = Settings(key=NoKey()).timeout + Settings(key=NoKey()).insight_timeout
    assert int(server["stop_grace_period"].removesuffix("s")) > longest, "what runs is finished"
    assert "ports" not in server, "callers come through the front"


def test_prometheus_reads_the_port_that_is_served() -> None:
    """Compose, the component for Kubernetes and Prometheus mean the same port."""
    (job,) = read("prometheus/prometheus.yml")["scrape_configs"]
    (names,) = job["dns_sd_configs"]
    compose = read("compose/compose.yaml")["services"]
    assert names["names"] == ["capgo-mcp"]
    assert str(names["port"]) == compose["capgo-mcp"]["environment"]["CAPGO_MCP_METRICS_PORT"]
    component = (DEPLOY / "components" / "metrics" / "kustomization.yaml").read_text(encoding="utf-8")
    assert f"containerPort: {names['port']}" in component


def test_the_image_can_have_every_extra_that_is_named() -> None:
    """What compose and the components build the image with is an extra of the package, and pinned."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "Dockerfile", *DEPLOY.rglob("*.yaml"))]
    named = {extra for text in texts for word in _after(text, "EXTRAS=") + _after(text, "EXTRAS: ") for extra in word}
    assert named == {"metrics", "traces", "valkey"}
    assert named <= extras.keys()
    dockerfile = texts[0]
    assert 'ARG EXTRAS=""' in dockerfile
    assert '".${EXTRAS:+[$EXTRAS]}"' in dockerfile
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    for requirement in chain.from_iterable(extras[name] for name in named):
        assert f"{requirement.partition('>')[0]}==" in pinned


def _after(text: str, mark: str) -> list[list[str]]:
    found = [part.split()[0].rstrip(".") for part in text.split(mark)[1:]]
    return [word.split(",") for word in found if word[0].isalpha()]


def test_a_shell_builds_the_words_of_the_extras() -> None:
    """With and without extras, pip is told the one folder."""
    for extras, told in (("", "."), ("metrics,traces", ".[metrics,traces]")):
        done = subprocess.run(
            ["sh", "-c", 'printf %s ".${EXTRAS:+[$EXTRAS]}"'],
            capture_output=True, text=True, check=True, env={"EXTRAS": extras, "PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert done.stdout == told
