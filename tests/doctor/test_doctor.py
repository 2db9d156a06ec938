"""The doctor: what it finds, what it advises, and how little it asks of Capgo."""

import json
import re
import socket
import ssl
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.rights import HOLDERS
from capgo_mcp.client.key import KeySource, StaticKey
from capgo_mcp.commands.cli import main
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.settings import Settings
from capgo_mcp.doctor import Finding, Level, examine
from capgo_mcp.doctor.tools import Held
from capgo_mcp.install.clients import named
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY, State, create_app
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_key
from capgo_mcp.server.selection import chosen

KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"


class Wire(httpx2.AsyncBaseTransport):
    """The network: leads to a sandbox, counts what passes, and can be broken or altered."""

    def __init__(self, state: State) -> None:
        self.passed: list[httpx2.Request] = []
        self.alter: Callable[[httpx2.Request], httpx2.Response | None] = lambda _: None
        self._sandbox = httpx2.ASGITransport(app=create_app(state))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request."""
        self.passed.append(request)
        return self.alter(request) or await self._sandbox.handle_async_request(request)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """An account of its own without any client, proxy or key."""
    for name in ("XDG_CONFIG_HOME", "CAPGO_API_KEY", "CAPGO_API_KEY_FILE", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("capgo_mcp.client.address.getproxies", dict)
    monkeypatch.setenv("HOME", str(tmp_path))
    return Machine.here()


@pytest.fixture
def wire(state: State, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """What stands for the network in every connection that is made."""
    wire = Wire(state)
    usual = httpx2.AsyncClient.__init__

    def wired(self: httpx2.AsyncClient, **options: Any) -> None:
        usual(self, **(options | {"transport": wire}))

    monkeypatch.setattr(httpx2.AsyncClient, "__init__", wired)
    return wire


async def found(machine: Machine, key: KeySource | None = None, **options: Any) -> list[Finding]:
    """What the doctor finds with a key."""
    settings = Settings(key=key or StaticKey(ADMIN_KEY), **options)
    return [finding async for finding in examine(settings, machine)]


def about(topic: str, findings: list[Finding]) -> Finding:
    """The most serious finding on a topic."""
    return max((f for f in findings if f.topic == topic), key=lambda f: list(Level).index(f.level))


async def test_all_is_well(machine: Machine, wire: Wire) -> None:
    """A good key on a good network: everything is fine, after ten requests that all read."""
    findings = await found(machine)
    for topic in ("key", "address", "apps", "organizations", "tools", "statistics", "rate"):
        assert about(topic, findings).level is Level.OK, topic
    assert "com.demo.app" in about("apps", findings).what
    assert len(wire.passed) <= 10
    assert {request.method for request in wire.passed} == {"GET"}


async def test_whatever_is_wrong_has_a_next_step(machine: Machine, wire: Wire) -> None:
    """A finding that is not fine says what to do."""
    wire.alter = lambda request: httpx2.Response(404) if request.url.path == "/ok" else None
    for findings in (await found(machine), await found(machine, StaticKey("no key"), app="com.other.app")):
        assert all(finding.next for finding in findings if finding.level is not Level.OK)


async def test_refused_key_is_tried_once(machine: Machine, wire: Wire) -> None:
    """Twenty refused keys block the address, so the doctor stops after one."""
    findings = await found(machine, StaticKey(KEY))
    assert about("account", findings).level is Level.PROBLEM
    assert [request.url.path for request in wire.passed] == ["/ok", "/organization"]


async def test_key_that_cannot_be_one_is_not_sent(machine: Machine, wire: Wire) -> None:
    """What is not even shaped like a key stays here."""
    findings = await found(machine, StaticKey("two words"))
    assert about("key", findings).level is Level.PROBLEM
    assert all("authorization" not in request.headers and "capgkey" not in request.headers for request in wire.passed)


async def test_key_is_nowhere_in_the_findings(machine: Machine, wire: Wire) -> None:
    """The doctor's report can be shown to others."""
    assert ADMIN_KEY not in str(await found(machine))
    assert wire.passed[-1].headers["authorization"] == ADMIN_KEY


async def test_legacy_key_is_told(machine: Machine, wire: Wire) -> None:
    """A key that is no UUID is worth a word."""
    assert "legacy" in about("key", await found(machine, StaticKey("legacy-key-1234"))).what
    assert wire.passed


async def test_usable_tools_are_told_and_why_not_the_others(machine: Machine, wire: Wire) -> None:
    """Every tool is in one of three lists; what a key cannot use comes with the permission and who has it."""
    findings = [f for f in await found(machine, StaticKey(READER_KEY)) if f.topic == "tools"]
    usable, untried = (f.what for f in findings if f.level is Level.OK)
    refused = " ".join(f.what for f in findings if f.level is Level.NOTE)
    assert "capgo_list_devices" in usable
    assert "capgo_summarize_devices" in usable
    assert "capgo_set_channel" in untried
    assert "capgo_list_api_keys" in refused
    assert "org.manage_apikeys (held by apikey_manager" in refused
    told = re.findall(r"capgo_\w+", usable + untried + refused)
    assert sorted(told) == sorted(tool.name for tool in chosen(Settings.read({})))
    assert wire.passed


async def test_tools_that_are_off_are_not_told(machine: Machine, wire: Wire) -> None:
    """What the settings leave out is nobody's question."""
    findings = await found(machine, StaticKey(READER_KEY), read_only=True)
    assert "capgo_set_channel" not in str(findings)
    assert wire.passed


@pytest.mark.parametrize(("role", "level"), [(None, Level.NOTE), ("org_member", Level.OK)])
async def test_statistics_need_a_role_in_the_organization(
    machine: Machine, wire: Wire, state: State, role: str | None, level: Level
) -> None:
    """Capgo answers an app's key as if nobody paid; the doctor names the role that is missing, not the plan."""
    (org_id, *_), value = state.orgs, "5ec4e700-0000-4000-8000-00000000a44a"
    bindings = [binding("app_reader", org_id, "com.demo.app"), *([binding(role, org_id)] if role else [])]
    key = new_key(state, "App only", value, state.keys[1]["user_id"], bindings)
    state.keys[key["id"]] = key
    finding = about("statistics", await found(machine, StaticKey(value)))
    assert finding.level is level
    assert ("org_member" in finding.next) == (role is None)
    assert wire.passed


@given(roles=st.sets(st.sampled_from(sorted(set(chain(*HOLDERS.values()))))), data=st.data())
def test_what_is_deduced_is_so(roles: set[str], data: st.DataObject) -> None:
    """Whatever roles a key has and whichever permissions were tried, no deduction contradicts the roles."""
    truth = {permission: bool(roles & {*held}) for permission, held in HOLDERS.items()}
    tried = data.draw(st.sets(st.sampled_from(sorted(HOLDERS))))
    held = Held({permission: truth[permission] for permission in tried})
    assert all(held.has(permission) in (None, truth[permission]) for permission in HOLDERS)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot be found"),
        (ssl.SSLCertVerificationError("self-signed certificate"), "does not trust the certificate"),
        (OSError("Connection refused"), "No connection"),
    ],
)
async def test_unreachable_address_is_explained(machine: Machine, wire: Wire, cause: Exception, words: str) -> None:
    """DNS, certificate and connection are told apart, and nothing else is sent."""

    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("failed", request=request) from cause

    wire.alter = broken
    finding = about("address", await found(machine))
    assert finding.level is Level.PROBLEM
    assert words in finding.what
    assert len(wire.passed) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [(httpx2.ProxyError, "proxy"), (httpx2.ConnectTimeout, "did not answer"), (httpx2.ReadTimeout, "did not answer")],
)
async def test_proxies_and_silence_are_explained(
    machine: Machine, wire: Wire, error: type[httpx2.RequestError], words: str
) -> None:
    """A proxy that refuses and an address that stays silent are told apart."""

    def broken(request: httpx2.Request) -> httpx2.Response:
        raise error("failed", request=request)

    wire.alter = broken
    assert words in about("address", await found(machine)).what


async def test_proxy_is_told_without_its_password(
    machine: Machine, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which proxy is used can be seen; who uses it cannot."""
    proxies = {"https": "http://kim:secret@proxy.example.com:3128"}
    monkeypatch.setattr("capgo_mcp.client.address.getproxies", lambda: proxies)
    finding = about("proxy", await found(machine))
    assert "proxy.example.com:3128" in finding.what
    assert "secret" not in finding.what
    assert wire.passed


@pytest.mark.parametrize(
    ("date", "level"),
    [
        ("Thu, 01 Jan 2099 00:00:00 GMT", Level.NOTE),
        ("Thu, 01 Jan 2009 00:00:00 GMT", Level.NOTE),
        ("soon", Level.NOTE),
    ],
)
async def test_clock_that_is_wrong_is_told(machine: Machine, wire: Wire, date: str, level: Level) -> None:
    """Times in answers mislead when the clocks differ."""
    wire.alter = lambda request: (
        httpx2.Response(200, json={}, headers={"date": date}) if request.url.path == "/ok" else None
    )
    assert about("clock", await found(machine)).level is level


async def test_locked_app_that_is_not_visible_is_a_problem(machine: Machine, wire: Wire) -> None:
    """--app with a slip in it would leave every tool without an answer."""
    finding = about("apps", await found(machine, app="com.typo.app"))
    assert finding.level is Level.PROBLEM
    assert "com.typo.app" in finding.what
    assert wire.passed


async def test_open_key_file_is_told(machine: Machine, wire: Wire) -> None:
    """Others on the machine should not read the key."""
    path = machine.home / "key"
    path.write_text(ADMIN_KEY, encoding="utf-8")
    path.chmod(0o644)
    findings = await found(machine, Settings.read({}, {"CAPGO_API_KEY_FILE": str(path)}).key)
    assert about("key", findings).next == f"Run: chmod 600 {path}"
    assert wire.passed


async def test_clients_are_looked_at(machine: Machine, wire: Wire) -> None:
    """A client with the server, without it, with a program that is gone, with an open key, and with a broken file."""
    entry = {"command": sys.executable, "args": ["-m", "capgo_mcp"]}
    files: dict[str, Any] = {
        "cursor": {"mcpServers": {"capgo": entry}},
        "gemini": {},
        "windsurf": {"mcpServers": {"capgo": {"command": "/gone/capgo-mcp"}}},
        "zed": {"context_servers": {"capgo": entry | {"env": {"CAPGO_API_KEY": KEY}}}},
        "opencode": {"mcp": {"capgo": {"command": [sys.executable, "-m", "capgo_mcp"]}}},
    }
    for name, data in files.items():
        place = named(name).path(machine)
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(data), encoding="utf-8")
        place.chmod(0o644)
    broken = named("vscode").path(machine)
    broken.parent.mkdir(parents=True)
    broken.write_text("{", encoding="utf-8")
    told = [(f.level, f.what) for f in await found(machine) if f.topic == "clients"]
    assert [level for level, _ in told] == [Level.OK, Level.PROBLEM, Level.PROBLEM, Level.NOTE, Level.NOTE, Level.OK]
    assert "/gone/capgo-mcp, which is not there" in told[2][1]
    assert wire.passed


def test_command_prints_and_tells_by_its_exit_code(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """In the sandbox all is well; without a key it is not."""
    assert main(["doctor", "--sandbox"]) == 0
    assert "com.demo.app" in capsys.readouterr().out
    assert machine.home.exists()


def test_json_is_for_scripts(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--json prints one object, whatever is found."""
    monkeypatch.setenv("CAPGO_API_URL", "http://127.0.0.1:9")
    assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is False
    assert {row["level"] for row in report["findings"]} <= {level.value for level in Level}
    assert report["findings"][0]["topic"] == "key"
    assert machine.home.exists()
