"""The official TypeScript SDK over HTTP, in both of its generations and both eras, each request to another replica."""

from typing import Final

import pytest

from tests.http_clients.conftest import Team
from tests.support.sessions import seen_by_typescript

NPM: Final = ("@modelcontextprotocol/sdk", "@modelcontextprotocol/client")


@pytest.mark.parametrize(
    ("package", "mode", "revision"),
    [(NPM[0], "legacy", None), (NPM[1], "legacy", "2025-11-25"), (NPM[1], "auto", "2026-07-28")],
)
def test_session(package: str, mode: str, revision: str | None, team: Team) -> None:
    """It connects, lists and calls; who can be asked deletes what they agree to, others read why not."""
    seen = seen_by_typescript("http", package, mode, revision, [team.url, team.key])
    modern = revision == "2026-07-28"
    assert seen["asked"] == (1 if modern else 0)
    assert seen["consented"] is modern
    assert (team.state.channel_named("com.demo.app", "qa") is None) is modern
    team.took_turns()
