"""The demo: a short session whose every step is checked."""

import pytest

from capgo_mcp.commands import demo


async def test_demo_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    """It tells its story in fewer than twenty calls, and each went as it should."""
    assert await demo.demo() == 0
    told = capsys.readouterr().out
    assert 10 < told.count("\n  tool   ") < 20
    assert "capgo_list_devices" not in told


async def test_demo_that_fails_says_so_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step that does not go as it should ends the session and is named."""
    monkeypatch.setattr(demo, "APP", "com.no.app")
    assert await demo.demo() == 1
    told = capsys.readouterr()
    assert told.err.startswith("\nThe demo failed: capgo_summarize_devices answered: [")
    assert "Every step went as expected." not in told.out
