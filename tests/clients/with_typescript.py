"""The official TypeScript SDK, on which most clients are built, in both of its generations."""

from pathlib import Path
from typing import Final

import pytest

from tests.support.sessions import seen_by_typescript

NPM: Final = ("@modelcontextprotocol/sdk", "@modelcontextprotocol/client")


@pytest.mark.parametrize(
    ("package", "mode", "revision"),
    [(NPM[0], "legacy", None), (NPM[1], "legacy", "2025-11-25"), (NPM[1], "auto", "2026-07-28")],
)
def test_session(package: str, mode: str, revision: str | None, server: list[str], home: Path) -> None:
    """It connects, lists, calls, and validates every answer against the tool's schema."""
    seen_by_typescript("stdio", package, mode, revision, server)
    assert home.exists()
