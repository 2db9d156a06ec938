"""The command line: what it prints where, and how it ends."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from starlette.types import ASGIApp

from capgo_mcp import __version__
from capgo_mcp.commands.cli import COMMANDS, main
from capgo_mcp.config.options import HTTP_OPTIONS, OPTIONS, Option, flag_of
from capgo_mcp.operations import DEFAULT, declared_in, every
from capgo_mcp.sandbox import ADMIN_KEY
from tests.support.limits import GENEROUS

Output = pytest.CaptureFixture[str]
Run = Callable[..., tuple[int, str, str]]

DEFAULT_TOOLS: Final = [operation.spec.name for module in DEFAULT for operation in declared_in(module)]


@pytest.fixture
def run(capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Runs the command line in this process and gives its exit code, stdout and stderr."""
    loggers = [logging.getLogger(), logging.getLogger("capgo_mcp")]
    before = [(one, one.level, one.handlers[:], one.propagate) for one in loggers]
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.startswith("CAPGO_"):
            monkeypatch.delenv(name)

    def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield run
    for one, level, handlers, propagate in before:
        one.setLevel(level)
        one.handlers, one.propagate = handlers, propagate


def test_tools_lists_one_line_per_tool(run: Run) -> None:
    """A person sees every default tool with its first sentence, without a key."""
    code, out, err = run("tools")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()][: len(DEFAULT_TOOLS)] == DEFAULT_TOOLS
    assert all(len(line.split()) > 2 for line in out.splitlines())


def test_tools_follow_the_flags(run: Run) -> None:
    """Toolsets, read-only mode and exclusions choose what is listed, before and after the command."""
    _, out, _ = run("--read-only", "tools", "--toolsets", "devices,audit", "--exclude-tools", "capgo_get_device")
    left = ["capgo_list_devices", "capgo_list_audit_log", "capgo_list_changes"]
    assert [line.split()[0] for line in out.splitlines()] == left
    _, out, _ = run("tools", "--toolsets", "all")
    assert {operation.spec.name for operation in every()} <= {line.split()[0] for line in out.splitlines()}


def test_tools_as_json_are_the_definitions(run: Run) -> None:
    """Programs get the tools as clients see them."""
    code, out, err = run("tools", "--json")
    tools = json.loads(out)
    assert (code, err) == (0, "")
    assert [tool["name"] for tool in tools][: len(DEFAULT_TOOLS)] == DEFAULT_TOOLS
    assert all({"name", "title", "description", "inputSchema", "outputSchema", "annotations"} <= set(t) for t in tools)


def test_call_prints_the_answer(run: Run) -> None:
    """The answer is JSON on stdout, and nothing else is."""
    code, out, _ = run("call", "--sandbox", "capgo_get_app", '{"app_id": "com.demo.app"}')
    assert code == 0
    assert json.loads(out)["app_id"] == "com.demo.app"


def test_call_needs_no_arguments_when_the_tool_does_not(run: Run) -> None:
    """Leaving the JSON out means no arguments, and flags may stand before the command."""
    code, out, _ = run("--sandbox", "call", "capgo_list_apps")
    assert code == 0
    assert "com.demo.app" in {app["app_id"] for app in json.loads(out)["items"]}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("capgo_get_app", "{}"), 1, "[invalid_arguments] app_id is required"),
        (("capgo_get_app", '{"app_id": "no.such.app"}'), 1, "[cannot_access_app]"),
        (("capgo_get_app", "{app_id"), 2, "the arguments are not JSON"),
        (("capgo_get_app", "["), 2, 'the arguments are not JSON, such as \'{"app_id": "com.demo.app"}\''),
        (("capgo_get_app", "app_id=a.b", "x=1"), 2, """not JSON, such as '{"app_id": "a.b", "x": "1"}'"""),
        (("capgo_get_app", "[]"), 2, "must be a JSON object"),
        (("capgo_get_app", "null"), 2, "must be a JSON object"),
        (("capgo_get_apps",), 2, "there is no tool 'capgo_get_apps'; did you mean capgo_get_app?"),
        (("zzz",), 2, "there is no tool 'zzz'."),
    ],
)
def test_call_that_fails(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    """An error that the tool tells is exit code 1, a call that cannot be made 2; stdout stays empty."""
    ended, out, err = run("call", "--sandbox", *arguments)
    assert (ended, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


def test_call_without_a_key_says_how_to_set_one(run: Run) -> None:
    """Without a key the error names the variable and the sandbox."""
    code, out, err = run("call", "capgo_list_apps")
    assert (code, out) == (1, "")
    assert "[no_key] " in err
    assert "CAPGO_API_KEY" in err
    assert "--sandbox" in err


def test_call_deletes_nothing_without_confirm(run: Run) -> None:
    """The command line asks for consent as an agent is asked."""
    code, out, _ = run("call", "--sandbox", "capgo_delete_channel", '{"app_id": "com.demo.app", "channel": "qa"}')
    assert code == 0
    assert json.loads(out)["done"] is False


def test_version(run: Run) -> None:
    """The version is printed on stdout."""
    assert run("--version") == (0, f"capgo-mcp {__version__}\n", "")


def test_help_tells_a_newcomer_how_to_start(run: Run) -> None:
    """The help names every variable of the environment, every command, and a way to try without an account."""
    code, out, _ = run("--help")
    assert code == 0
    for word in ("CAPGO_API_KEY", "CAPGO_API_KEY_FILE", "CAPGO_API_URL", "demo", "tools", "call", "sandbox"):
        assert re.search(rf"\b{word}\b", out), word
    for flag in ("--sandbox", "--read-only", "--app", "--toolsets", "--exclude-tools", "--timeout", "--log-level"):
        assert flag in out


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("tools", "--toolsets", "devcies"), {}, "did you mean devices?"),
        (("tools", "--exclude-tools", "capgo_get_ap"), {}, "did you mean capgo_get_app?"),
        (("tools", "--app", "nonsense"), {}, "--app must be an app id"),
        (("tools", "--timeout", "0"), {}, "--timeout"),
        (("tools",), {"CAPGO_API_URL": "http://api.example.com"}, "https://"),
        (("tools",), {"CAPGO_API_URL": "nonsense"}, "CAPGO_API_URL"),
        (("call", "capgo_list_apps"), {"CAPGO_API_URL": "ftp://x.example"}, "CAPGO_API_URL"),
    ],
)
def test_wrong_settings_are_told_in_a_sentence(
    run: Run, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    """A setting that cannot be used ends the command with exit code 2 and one line on stderr."""
    code, out, err = run(*arguments, **variables)
    assert (code, out) == (2, "")
    assert err.startswith("capgo-mcp: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_every_command_that_is_shown_runs(run: Run) -> None:
    """What --help lists and what can be run are the same commands."""
    shown = re.findall(
        r"^    (\w+)", run("--help")[1].partition("commands:")[2].partition("environment:")[0], re.MULTILINE
    )
    assert sorted(shown) == sorted(filter(None, COMMANDS))


def test_former_flag_is_the_new_one(run: Run) -> None:
    """`--walk` is `--insight-timeout`, and what is wrong with it is told by that name."""
    assert run("tools", "--walk", "7")[0] == 0
    assert "--insight-timeout must be more than 0 seconds" in run("tools", "--walk", "0")[2]


@pytest.mark.parametrize("option", [option for option in (*OPTIONS, *HTTP_OPTIONS) if option.former])
def test_help_shows_the_name_of_today(run: Run, option: Option) -> None:
    """Whoever sets the server up anew learns the new name only."""
    shown = run("--help")[1] + run("http", "--help")[1]
    assert option.flag in shown
    assert flag_of(option.former) not in shown


@pytest.mark.parametrize("arguments", [("nonsense",), ("call",), ("--timeout", "soon"), ("--log-level", "LOUD")])
def test_wrong_command_line_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    """What argparse cannot read ends with 2 and nothing on stdout."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "error:" in err


def test_tools_with_nothing_left(run: Run) -> None:
    """Settings that leave no tool are no crash."""
    names = ",".join(operation.spec.name for operation in every() if operation.spec.toolset == "status")
    code, _, err = run("tools", "--toolsets", "status", "--exclude-tools", names)
    assert "Traceback" not in err
    assert code in {0, 2}


def module(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line as a process."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CAPGO_")}
    command = [sys.executable, "-m", "capgo_mcp", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=GENEROUS, **options
    )


def test_demo_succeeds() -> None:
    """The demo talks to a real server over stdio and every step goes as expected."""
    done = module("demo")
    assert done.returncode == 0, done.stderr
    assert "Every step went as expected." in done.stdout
    assert "Traceback" not in done.stderr


def test_server_starts_without_the_sandbox() -> None:
    """A client waits for the start: what only a session on the sandbox needs is not imported for it."""
    code = "import sys, capgo_mcp.server.stdio; print(*(name for name in sys.modules if 'sandbox' in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=GENEROUS)
    assert set(done.stdout.split()) <= {"capgo_mcp.sandbox", "capgo_mcp.sandbox.embedded"}


def test_module_is_the_command() -> None:
    """`python -m capgo_mcp` is `capgo-mcp`, its exit code included."""
    assert module("--version").stdout == f"capgo-mcp {__version__}\n"
    assert module("call", "--sandbox", "zzz").returncode == 2


def test_log_goes_to_stderr_at_the_level_asked_for() -> None:
    """The answer stands alone on stdout, and the log can be silenced."""
    quiet = module("call", "--sandbox", "--log-level", "WARNING", "capgo_list_apps")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    talkative = module("call", "--sandbox", "--log-level", "INFO", "capgo_list_apps")
    assert "capgo_list_apps ok" in talkative.stderr
    assert json.loads(talkative.stdout) == json.loads(quiet.stdout)


@pytest.mark.parametrize(("given", "status"), [((), 200), (("--api", "2026-11"), 200), (("--api", "2026-07"), 400)])
def test_sandbox_is_the_chosen_capgo(
    run: Run, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], status: int
) -> None:
    """The served sandbox answers an empty page of bundles as the Capgo of that month, and its keys are printed."""
    served: list[ASGIApp] = []
    monkeypatch.setattr("uvicorn.Server.run", lambda server, _: served.append(server.config.app))
    ended, out, err = run("sandbox", "--port", "0", *given)
    assert (ended, out) == (0, "")
    assert ADMIN_KEY in err
    transport = httpx2.ASGITransport(app=served[0])

    async def ask() -> int:
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox.invalid") as client:
            query = {"app_id": "com.demo.app", "page": "90"}
            return (await client.get("/bundle", params=query, headers={"capgkey": ADMIN_KEY})).status_code

    assert anyio.run(ask) == status


def test_sandbox_refuses_a_capgo_that_never_was(run: Run) -> None:
    """Another month is refused, as a flag and in the environment, with those that can be chosen."""
    for ended, out, err in (run("sandbox", "--api", "2025-01"), run("sandbox", CAPGO_MCP_API="2025-01")):
        assert (ended, out) == (2, "")
        assert "2026-07" in err
