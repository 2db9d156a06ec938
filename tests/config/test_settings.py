"""Flags and environment become settings, or one sentence about what is wrong."""

from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.api.operation import Effect
from capgo_mcp.client.capgo import Connections
from capgo_mcp.client.defaults import DEFAULT_URL
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.credentials import KeyFile
from capgo_mcp.config.options import API, SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations import DEFAULT, declared_in, every, toolset
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.channels import GetChannel
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.server.selection import chosen
from tests.support import samples

KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"


def read(flags: dict[str, Any] | None = None, **environment: str) -> Settings:
    """The settings of some flags and variables."""
    return Settings.read(flags or {}, environment)


def refusal(flags: dict[str, Any] | None = None, **environment: str) -> str:
    """The sentence by which settings are refused."""
    with pytest.raises(SettingsError) as caught:
        read(flags, **environment)
    sentence = str(caught.value)
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    return sentence


def names(settings: Settings) -> set[str]:
    """The tools that exist under some settings."""
    return {tool.name for tool in chosen(settings)}


async def test_nothing_set_is_the_documented_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without flags and environment: no key, Capgo's address, the default toolsets."""
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = read()
    with pytest.raises(KeyMissing):
        await settings.key.read()
    assert settings.url == DEFAULT_URL == "https://api.capgo.app"
    assert frozenset(map(toolset, DEFAULT)) <= settings.toolsets
    assert (settings.read_only, settings.app, settings.sandbox) == (False, None, False)


async def test_key_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key itself wins over a file; a file is read later; blanks are no key."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "key"
    path.write_text(KEY, encoding="utf-8")
    assert read(CAPGO_API_KEY=f" {KEY} ").key == StaticKey(KEY)
    assert read(CAPGO_API_KEY=KEY, CAPGO_API_KEY_FILE=str(path)).key == StaticKey(KEY)
    from_file = read(CAPGO_API_KEY="", CAPGO_API_KEY_FILE=str(path)).key
    assert isinstance(from_file, KeyFile)
    assert await from_file.read() == KEY
    with pytest.raises(KeyMissing):
        await read(CAPGO_API_KEY="  ", CAPGO_API_KEY_FILE=" ").key.read()


def test_key_file_may_be_in_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A tilde is understood, because no shell expands it in a client's configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read(CAPGO_API_KEY_FILE="~/key").key == KeyFile(tmp_path / "key")


@pytest.mark.parametrize(
    "address",
    [
        "https://api.capgo.app",
        "https://api.capgo.app/",
        "https://x.example/functions/v1",
        "https://x.example:8443/functions/v1/",
        "http://localhost:54321/functions/v1",
        "http://127.0.0.1:8787",
        "http://127.1.2.3",
        "http://[::1]:8787",
        "http://api.localhost",
    ],
)
def test_addresses_that_keep_the_key_private(address: str) -> None:
    """Any https address is taken, plain http only on this machine; a path prefix is kept."""
    assert read(CAPGO_API_URL=f" {address} ").url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://api.capgo.app",
        "http://localhost.example.com",
        "http://192.168.1.5",
        "http://[2001:db8::1]",
        "http://127.0.0.1.nip.io",
        "http://localhostx",
        "ftp://x.example",
        "api.capgo.app",
        "https://",
        "https:///path",
        "//x.example",
        "https://x.example?key=1",
        "https://x.example/#top",
        "file:///etc/passwd",
        "http://[::1",
        "https://x.example:port",
        "https://a b",
    ],
)
def test_addresses_that_cannot_be_used(address: str) -> None:
    """Anything else is refused with a sentence that names the variable."""
    assert "CAPGO_API_URL" in refusal(CAPGO_API_URL=address)


@given(address=st.text(max_size=40))
def test_any_address_is_taken_or_refused(address: str) -> None:
    """No text crashes the start, and what is taken is https or this machine."""
    try:
        url = httpx2.URL(read(CAPGO_API_URL=address).url)
    except SettingsError:
        return
    assert url.scheme == "https" or url.host in {"localhost", "127.0.0.1", "::1"} or url.host.endswith(".localhost")


@pytest.mark.parametrize("prefix", ["", "/", "/functions/v1", "/functions/v1/"])
async def test_path_prefix_is_kept(prefix: str) -> None:
    """A self-hosted Capgo stands under a path, which every request keeps."""
    paths: list[str] = []

    def record(request: httpx2.Request) -> httpx2.Response:
        paths.append(request.url.path)
        return httpx2.Response(200, json=[])

    settings = read(CAPGO_API_URL=f"https://x.example{prefix}", CAPGO_API_KEY=KEY)
    connections = Connections(settings.url, settings.timeout, httpx2.MockTransport(record))
    async with settings.connect(connections=connections) as capgo:
        await capgo.send(ListApps())
    assert paths == [f"{prefix.rstrip('/')}/app"]


async def test_sandbox_needs_neither_key_nor_network() -> None:
    """With --sandbox the embedded Capgo answers, whatever key and address are set."""
    async with read({"sandbox": True}, CAPGO_API_KEY=KEY, CAPGO_API_URL="https://x.example").connect() as capgo:
        assert (await capgo.send(ListApps())).items
    assert ADMIN_KEY != KEY


@pytest.mark.parametrize("behaviour", Behaviour)
async def test_the_embedded_sandbox_is_the_chosen_capgo(behaviour: Behaviour) -> None:
    """With --api, or its variable, the sandbox tells of a channel what that Capgo told; the newer one by default."""
    for settings in (
        read({"sandbox": True, "api": behaviour.value}),
        read({"sandbox": True}, CAPGO_MCP_API=behaviour.value),
        *([read({"sandbox": True})] if behaviour is Behaviour.NOVEMBER else []),
    ):
        async with settings.connect() as capgo:
            channel = await capgo.send(GetChannel(app_id="com.demo.app", channel="production"))
        assert channel.ios is (None if behaviour is Behaviour.JULY else True)
    assert API.choices == tuple(one.value for one in Behaviour)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("devices", {"devices"}),
        ("devices, channels,", {"devices", "channels"}),
        ("default", set(map(toolset, DEFAULT))),
        ("default,audit", {*map(toolset, DEFAULT), "audit"}),
        ("all", samples.ALL_TOOLSETS),
    ],
)
def test_toolsets_are_chosen_by_name(text: str, wanted: set[str]) -> None:
    """Toolsets are names with commas; default and all stand for many."""
    assert wanted <= read({"toolsets": text}).toolsets


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"toolsets": "devcies"}, "--toolsets: there is no 'devcies'; did you mean devices?"),
        ({"toolsets": "devices,everything"}, "--toolsets: there is no 'everything'"),
        ({"exclude_tools": "capgo_delete_ap"}, "did you mean capgo_delete_app?"),
        ({"exclude_tools": "delete"}, "--exclude-tools: there is no 'delete'"),
        ({"app": "demo"}, "--app must be an app id"),
        ({"app": ""}, "--app must be an app id"),
        ({"app": "com.demo.app/../x"}, "--app must be an app id"),
        ({"timeout": 0.0}, "--timeout"),
        ({"timeout": -1.0}, "--timeout"),
        ({"timeout": float("nan")}, "--timeout"),
    ],
)
def test_wrong_flags_are_told_with_the_nearest_right_one(flags: dict[str, Any], said: str) -> None:
    """A flag that cannot be used is named, and a near miss is guessed at."""
    assert said in refusal(flags)


def test_read_only_leaves_only_reads() -> None:
    """Whatever else is chosen, read-only mode has no tool that writes."""
    settings = read({"read_only": True, "toolsets": "all"})
    reading = {one.spec.name for one in every() if one.spec.effect is Effect.READ}
    assert names(settings) & {one.spec.name for one in every()} == reading


def test_excluded_tools_are_gone() -> None:
    """A tool can be left out by its name."""
    settings = read({"exclude_tools": "capgo_delete_app, capgo_delete_all_bundles"})
    assert names(read()) - names(settings) == {"capgo_delete_app", "capgo_delete_all_bundles"}


def test_scope_lock_keeps_only_tools_of_one_app() -> None:
    """With --app every tool works on that app, and what could leave it is gone."""
    settings = read({"app": "com.demo.app", "toolsets": "all"})
    operations = [one for one in every() if one.spec.name in names(settings)]
    assert operations
    assert all("app_id" in one.model_fields for one in operations)


def test_choices_compose() -> None:
    """Toolsets, read-only mode, exclusions and the scope lock narrow each other."""
    flags = {"app": "com.demo.app", "read_only": True, "toolsets": "devices,apps", "exclude_tools": "capgo_get_device"}
    assert names(read(flags)) == {"capgo_get_app", "capgo_list_devices"}


def test_default_toolsets_hold_the_documented_tools() -> None:
    """Every operation of a default module is a tool without any flag."""
    documented = {one.spec.name for module in DEFAULT for one in declared_in(module)}
    assert documented <= names(read())
    assert len(documented) >= 33
