"""The metrics: what the page for Prometheus tells, and that the dashboard and the alerts ask for nothing else."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from capgo_mcp.api.errors import CapgoError, NotFound
from capgo_mcp.client import metrics
from capgo_mcp.commands.cli import main
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app
from tests.support.limits import GENEROUS
from tests.support.ports import free_ports
from tests.support.serving import Caller, Running, running, served, wait_until
from tests.support.valkey import valkey_server

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
NAMES: Final = re.compile(r"\b(?:capgo_mcp|process)_\w+")

SHARED: Final = "capgo_mcp_shared_state_up"
"""It is told only where there shall be such a state."""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def page(port: int) -> str:
    """What Prometheus would read."""
    return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=GENEROUS).text


def samples(text: str) -> Samples:
    """Every figure on a page, by its name and labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


@dataclass
class Watched:
    """A server after some calls, and what its page told then."""

    server: Running
    text: str

    def figure(self, name: str, **labels: str) -> float:
        """One figure."""
        return samples(self.text)[name, frozenset(labels.items())]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server to which two good calls came, one that fails, and one request that is none."""
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("watched")
    with (
        served(create_app()) as upstream,
        running(folder, "--metrics-port", str(port), CAPGO_API_URL=upstream) as server,
    ):
        with httpx2.Client(timeout=GENEROUS) as http:
            _call(http, server.url, "capgo_list_apps")
            _call(http, server.url, "capgo_list_apps")
            _call(http, server.url, "capgo_get_app", app_id="com.other.app")
            http.get(server.url)
        yield Watched(server, page(port))


def _call(http: httpx2.Client, url: str, tool: str, **arguments: str) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"accept": "application/json, text/event-stream", "x-capgo-api-key": ADMIN_KEY}
    assert http.post(url, json=message, headers=headers).is_success


def test_calls_are_counted_and_timed(watched: Watched) -> None:
    """By tool and outcome, with their time."""
    assert watched.figure("capgo_mcp_calls_total", tool="capgo_list_apps", outcome="ok") == 2
    outcomes = {
        dict(labels)["outcome"]: figure
        for (name, labels), figure in samples(watched.text).items()
        if name == "capgo_mcp_calls_total" and ("tool", "capgo_get_app") in labels
    }
    assert "ok" not in outcomes
    assert sum(outcomes.values()) == 1
    assert watched.figure("capgo_mcp_call_duration_seconds_count", tool="capgo_list_apps") == 2
    assert watched.figure("capgo_mcp_call_duration_seconds_sum", tool="capgo_list_apps") > 0


def test_requests_to_capgo_are_counted_and_timed(watched: Watched) -> None:
    """By status, beside the connections that were opened for them."""
    assert watched.figure("capgo_mcp_upstream_duration_seconds_count", status="200") == 2
    assert 0 < watched.figure("capgo_mcp_upstream_connections_total") <= 3


def test_the_state_of_the_server_is_told(watched: Watched) -> None:
    """Seats, what is left of the failed logins that Capgo allows, and what the door answered."""
    assert watched.figure("capgo_mcp_seats") == 1
    assert watched.figure("capgo_mcp_seats_capacity") >= 1000
    assert watched.figure("capgo_mcp_calls_running") == 0
    assert watched.figure("capgo_mcp_logins_left") > 0
    assert watched.figure("capgo_mcp_http_answers_total", status="405") == 1
    assert watched.figure("capgo_mcp_http_answers_total", status="200") >= 3


def test_nobody_is_named(watched: Watched) -> None:
    """No label holds anything that an agent or a caller wrote."""
    assert ADMIN_KEY not in watched.text
    assert "com.other.app" not in watched.text
    labels = {label for _, found in samples(watched.text) for label, _ in found}
    assert labels <= {
        "tool",
        "outcome",
        "status",
        "le",
        "generation",
        "implementation",
        "major",
        "minor",
        "patchlevel",
        "version",
    }


def test_the_shared_state_is_told(tmp_path: Path) -> None:
    """Whether the state that replicas share is there, where there shall be one."""
    (port,) = free_ports(1)
    with ExitStack() as stack:
        valkey = stack.enter_context(valkey_server(tmp_path))
        flags = ["--sandbox", "--metrics-port", str(port), "--shared-state", valkey.url]
        stack.enter_context(running(tmp_path, *flags, CAPGO_MCP_STATE_KEYS="s" * 32))
        told = f"{SHARED} 1.0"
        wait_until(lambda: told in page(port))
        valkey.stop()
        wait_until(lambda: f"{SHARED} 0.0" in page(port))


def asked_for() -> dict[str, set[str]]:
    """The metrics that the dashboard and the alerts ask for."""
    board = json.loads((DEPLOY / "grafana" / "capgo-mcp.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    queries += [variable["query"] for variable in board["templating"]["list"]]
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return {"dashboard": set(NAMES.findall(" ".join(queries))), "alerts": set(NAMES.findall(" ".join(alerts)))}


@pytest.mark.parametrize("what", asked_for())
def test_whatever_is_asked_for_is_there(watched: Watched, what: str) -> None:
    """Every metric in the dashboard and in the alerts stands on the page."""
    assert asked_for()[what]
    assert asked_for()[what] <= {name for name, _ in samples(watched.text)} | {SHARED}


def test_the_dashboard_shows_everything(watched: Watched) -> None:
    """No metric of ours is left out of it."""
    families = {SHARED} | {re.sub(r"_(bucket|count|sum|created)$", "", name) for name, _ in samples(watched.text)}
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked_for()["dashboard"]}
    assert {name for name in families if name.startswith("capgo_mcp")} == {
        name for name in shown if name.startswith("capgo_mcp")
    }


def test_the_guide_names_all_of_them(watched: Watched) -> None:
    """The table in the guide to a team's server has every metric of ours, and no other."""
    guide = (DEPLOY.parent / "docs" / "team-server.md").read_text(encoding="utf-8")
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name, _ in samples(watched.text)} | {SHARED}
    assert set(re.findall(r"`(capgo_mcp_\w+)`", guide)) == {name for name in families if name.startswith("capgo_mcp")}


def test_each_worker_has_a_page(tmp_path: Path) -> None:
    """With --workers, the second process has the next port."""
    ports = free_ports(2)
    with running(tmp_path, "--sandbox", "--workers", "2", "--metrics-port", str(ports[0])) as server:
        told = re.compile(r"metrics on port (\d+)")
        wait_until(lambda: len(told.findall(server.log)) == 2)
        assert {int(port) for port in told.findall(server.log)} == set(ports)
        assert all("capgo_mcp_seats_capacity" in page(port) for port in ports)


def test_tells_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the extra, the server says so before it listens."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.prometheus", None)
    assert main(["http", "--port", "0", "--metrics-port", "9464"]) == 2
    assert "capgo-mcp[metrics]" in capsys.readouterr().err


def test_what_opentelemetry_sends_goes_on() -> None:
    """Where OpenTelemetry was configured already, the page is one more way out of the same figures."""
    (port,) = free_ports(1)
    program = f"""
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from capgo_mcp.client.metrics import CALLS
from capgo_mcp.http.metrics import publish
from capgo_mcp.http.settings import HttpSettings
import urllib.request
set_meter_provider(MeterProvider([sent := InMemoryMetricReader()]))
publish(HttpSettings(metrics_port={port}))
CALLS.add(7, {{"tool": "t", "outcome": "ok"}})
print(urllib.request.urlopen("http://127.0.0.1:{port}/metrics").read().decode())
print(sent.get_metrics_data().to_json())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'capgo_mcp_calls_total{outcome="ok",tool="t"} 7.0' in done.stdout
    assert '"name": "capgo_mcp.calls"' in done.stdout


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (CapgoError("server_busy", "Full.", "Wait."), None, "server_busy"),
        (NotFound("cannot_find_channel", "Gone.", "Look."), 404, "cannot_find_channel"),
        (NotFound("made_up_by_a_host", "Gone.", "Look."), 404, "http_404"),
    ],
)
def test_a_host_cannot_make_up_outcomes(error: Any, status: int | None, told: str) -> None:
    """A code that nobody knows is counted by its status, so that there are never more outcomes than we know."""
    error.status = status
    assert metrics.outcome(error) == told


async def test_readiness_tells_when_nobody_new_can_come(state: State) -> None:
    """After too many wrong keys the server stays ready for those it knows, and says that others have to wait."""
    with (
        served(create_app(state)) as capgo,
        served(application(Settings(key=NoKey(), url=capgo), HttpSettings())) as url,
    ):
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            assert (await http.get(f"{url}/readyz")).json() == {"status": "ok"}
            for number in range(16):
                wrong = Caller(http, f"{url}/mcp", {"x-capgo-api-key": f"bad00000-0000-4000-8000-{number:012d}"})
                await wrong.error("capgo_list_apps")
            told = await http.get(f"{url}/readyz")
    assert (told.status_code, told.json()) == (200, {"status": "ok", "new_callers": "paused"})
