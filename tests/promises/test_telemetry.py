"""Requests go to Capgo and nowhere else, but to an authorization server or a collector that the user names."""

import ast
from typing import Final

import pytest

from capgo_mcp.catalog import every_tool
from scripts.docs import ROOT
from tests.support import samples
from tests.support.safety import URL, desk

AGAINST: Final = "us, and whoever changes this code"
HOLDS: Final = ("No telemetry",)
ATTACKER: Final = "a supplier"
ASSET: Final = "people's data"
LEAVES: Final = ("The client sees what it asked for",)

_NETWORK: Final = {"httpx2", "httpx", "socket", "ssl", "urllib.request", "http.client", "smtplib", "uvicorn", "valkey"}
_OPENS: Final = {
    "client/address": "looks at addresses only",
    "client/capgo": "sends requests to Capgo",
    "client/network": "opens the connections to it",
    "client/sign_in": "signs in at Capgo",
    "commands/apps": "shows the pages for the chat to the browser of this machine",
    "commands/callback": "takes what the browser brings",
    "commands/cli": "serves the sandbox",
    "config/listener": "listens on this machine",
    "config/settings": "looks at addresses only",
    "doctor/network": "tries to reach Capgo",
    "http/connections": "holds the connections of those who call",
    "http/issuer_keys": "asks the authorization server that the user names for its keys",
    "http/serve": "serves a team",
    "http/shared_state": "shares limits between replicas, on the server that the user names",
    "http/settings": "looks at addresses only",
    "install/source": "reads where the package was installed from",
    "sandbox/embedded": "plays Capgo without a network",
}
"""The only modules that import what can reach a network, and what for."""


def _reaches(module: str) -> bool:
    return module in _NETWORK or module.partition(".")[0] in _NETWORK


def test_few_modules_can_reach_a_network() -> None:
    """Another one has to be written down here, with its reason."""
    found = set()
    for path in (ROOT / "capgo_mcp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names) if any(_reaches(one.name) for one in names):
                    found.add(path)
                case ast.ImportFrom(module=str(module), names=names) if _reaches(module) or any(
                    _reaches(f"{module}.{one.name}") for one in names
                ):
                    found.add(path)
    told = {path.relative_to(ROOT / "capgo_mcp").with_suffix("").as_posix() for path in found}
    assert told == set(_OPENS)


@pytest.mark.parametrize("tool", every_tool(), ids=lambda tool: tool.spec.name)
async def test_every_request_of_a_tool_goes_to_the_one_address(tool: samples.AnyTool) -> None:
    """Whatever its arguments name."""
    given = samples.full(tool) | ({"confirm": True} if tool.can_destroy() else {})
    async with desk() as here:
        await here.call(tool.spec.name, given)
        assert {f"{request.url.scheme}://{request.url.host}" for request in here.wire.seen} <= {URL}
