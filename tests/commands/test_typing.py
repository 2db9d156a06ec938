"""What happens when a person types something wrong, stops a command, or lets the shell complete it."""

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.api.audience import to_person
from capgo_mcp.commands.cli import COMMANDS, main
from capgo_mcp.commands.parser import SHELLS, actions, parser
from scripts.docs import ROOT
from tests.support.limits import GENEROUS
from tests.support.serving import answers, wait_until
from tests.support.tools import child

Output = pytest.CaptureFixture[str]


def ends(arguments: list[str]) -> int:
    """The exit code of a command line, also where argparse leaves by itself."""
    try:
        return main(arguments)
    except SystemExit as leaving:
        return int(leaving.code or 0)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("instal", "there is no command 'instal'; did you mean install? See capgo-mcp --help."),
        ("sandbx", "did you mean sandbox?"),
        ("zzz", "there is no command 'zzz'. See capgo-mcp --help."),
        ("tools --read-olny", "there is no --read-olny; did you mean --read-only?"),
        ("apps --no-browser", "--no-browser is an option of capgo-mcp login only."),
        ("install cursor --dryrun", "did you mean --dry-run?"),
        ("http --prot 3", "did you mean --port?"),
        ("tools --log-level DEBG", "--log-level must be one of DEBUG, INFO, WARNING, ERROR; did you mean DEBUG?"),
        ("install cursr", "did you mean cursor?"),
        ("tools --timeout soon", "argument --timeout: invalid float value: 'soon'. See capgo-mcp tools --help."),
        ("call", "TOOL. See capgo-mcp call --help."),
    ],
)
def test_near_misses_are_suggested_in_one_line(typed: str, said: str, capsys: Output) -> None:
    """Whoever mistypes a command, a flag, a value or a client reads what was perhaps meant."""
    assert ends(typed.split()) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert (len(shown.err.splitlines()), shown.out) == (1, "")


@pytest.mark.parametrize(
    ("command", "variable", "text"),
    [
        ("tools", "CAPGO_MCP_TIMEOUT", "0"),
        ("tools", "CAPGO_MCP_WALK", "-1"),
        ("tools", "CAPGO_MCP_RATE", "0"),
        ("tools", "CAPGO_MCP_APP", "nonsense"),
        ("tools", "CAPGO_MCP_ORG", "nonsense"),
        ("tools", "CAPGO_MCP_TOOLSETS", "devcies"),
        ("tools", "CAPGO_MCP_EXCLUDE_TOOLS", "capgo_get_ap"),
        ("http", "CAPGO_MCP_PORT", "70000"),
        ("http", "CAPGO_MCP_WORKERS", "0"),
    ],
)
def test_environment_is_blamed_by_the_name_of_its_variable(
    command: str, variable: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Nobody looks for a flag they did not type; and a flag that wins over the variable is blamed itself."""
    monkeypatch.setenv(variable, text)
    assert ends([command]) == 2
    assert capsys.readouterr().err.startswith(f"capgo-mcp: {variable}")
    flag = variable.replace("CAPGO_MCP_", "--").replace("_", "-").lower()
    assert ends([command, f"{flag}={text}"]) == 2
    assert variable not in capsys.readouterr().err


def test_issuer_in_the_environment_is_blamed_too(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """The same for an address that is none."""
    monkeypatch.setenv("CAPGO_MCP_OAUTH_ISSUER", "http://example.com")
    monkeypatch.setenv("CAPGO_MCP_OAUTH_AUDIENCE", "https://mcp.example.com/mcp")
    assert ends(["http"]) == 2
    assert "CAPGO_MCP_OAUTH_ISSUER must be an address" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sandbox", "http"])
def test_port_that_cannot_be_had_is_told_in_a_sentence(command: str, capsys: Output) -> None:
    """A port in use and one that does not exist read the same for both servers."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert ends([command, "--port", str(port)]) == 2
    assert f"capgo-mcp: Cannot listen on 127.0.0.1, port {port}: Address already in use." in capsys.readouterr().err
    assert ends([command, "--port", "70000"]) == 2
    assert "capgo-mcp: --port must be between 0 and 65535." in capsys.readouterr().err
    assert (
        ends(
            [command, "--host", "203.0.113.1", "--public", "--port", "0"]
            if command == "http"
            else [command, "--host", "203.0.113.1"]
        )
        == 2
    )
    assert "Cannot listen on 203.0.113.1" in capsys.readouterr().err


KEY: Final = "5ec4e700-0000-4000-8000-000000000000"
READY: Final = {
    "http": (["http", "--sandbox", "--port", "0"], "MCP on http://"),
    "sandbox": (["sandbox", "--port", "0"], "Capgo sandbox on http://"),
    "server": (["--sandbox"], ""),
    "call": (["call", "capgo_list_apps"], ""),
    "doctor": (["doctor"], ""),
    "login": (["login", "--no-browser"], ""),
}


AT_A_TERMINAL: Final = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from capgo_mcp.commands.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""The program with a Ctrl-C that counts: whatever runs in a background of a shell has it switched off."""


@contextmanager
def started(folder: Path, typed: Sequence[str], **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The program on an account of its own, and the file that takes its stderr."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CAPGO_")}
    log = folder / "stderr"
    with (
        log.open("wb") as sink,
        child(
            [sys.executable, "-c", AT_A_TERMINAL, *typed],
            env=clean | {"HOME": str(folder)} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=sink,
        ) as process,
    ):
        yield process, log


@pytest.mark.skipif(os.name != "posix", reason="Windows ends processes in another way")
@pytest.mark.parametrize("name", READY)
def test_ctrl_c_ends_a_command_with_one_line(name: str, tmp_path: Path) -> None:
    """Whatever a command waits for, Ctrl-C ends it, and no traceback follows."""
    typed, ready = READY[name]
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as stack:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process, log = stack.enter_context(started(tmp_path, typed, CAPGO_API_URL=url, CAPGO_API_KEY=KEY))
        if ready:
            wait_until(lambda: ready in log.read_text(encoding="utf-8"))
            address = re.findall(r"http://[\d.:]+", log.read_text(encoding="utf-8"))[0]
            wait_until(lambda: answers(f"{address}/{'ok' if name == 'sandbox' else 'readyz'}"))
        elif name == "server":
            wait_until(lambda: handles_signals(process.pid))
        else:
            silent.settimeout(GENEROUS)
            asked, _ = silent.accept()
            stack.callback(asked.close)
        before = log.read_text(encoding="utf-8")
        process.send_signal(signal.SIGINT)
        process.wait(GENEROUS)
    *logged, last = log.read_text(encoding="utf-8").removeprefix(before).splitlines()
    assert "stopped" in last
    assert [line for line in logged if "capgo_list_apps cancelled" not in line] == []


def handles_signals(pid: int) -> bool:
    """Whether a process catches SIGTERM, which the server does once it serves."""
    caught = re.findall(r"SigCgt:\s+(\w+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))[0]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_hints_speak_to_the_person(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """Whoever calls a tool by hand is not told to ask the user."""
    monkeypatch.setattr("capgo_mcp.config.settings.Machine.here", lambda _: None)
    monkeypatch.setattr("capgo_mcp.config.credentials.saved", lambda _: None)
    assert ends(["call", "capgo_list_apps"]) == 1
    hint = capsys.readouterr().err.partition("Hint: ")[2]
    assert hint.startswith("Sign in with `capgo-mcp login`, which counts at once, or set CAPGO_API_KEY")


def texts() -> list[str]:
    """Every text in the package that has an agent ask its user."""
    asks = re.compile(r"\b(?:ask|tell) the user\b|\bthe user can\b", re.IGNORECASE)
    rooms = ("api", "client", "config", "http", "safety", "server/tools.py")
    files = [path for room in rooms for path in (ROOT / "capgo_mcp").glob(room if "." in room else f"{room}/*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    found = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in found if asks.search(text) and text[0].isupper() and text.endswith(".")]


@pytest.mark.parametrize("text", texts())
def test_every_hint_can_be_said_to_the_person(text: str) -> None:
    """No phrase about the user is left, and each sentence begins with a capital letter."""
    said = to_person(text)
    assert not re.search(r"\bthe user\b", said, re.IGNORECASE)
    assert all(sentence[0].isupper() or sentence[0] in "`-" for sentence in re.split(r"(?<=\w\w\.) ", said) if sentence)


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_help_wraps(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """No line of any help is longer than the terminal is wide, but words that cannot be broken."""
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ([], *([name] for name in COMMANDS if name)):
        assert ends([*command, "--help"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line for line in lines if len(line) > columns and len(line.split()) > 2] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_gets_what_it_completes(shell: str, tmp_path: Path, capsys: Output) -> None:
    """Commands, flags, tools and clients are in the script, and a shell that is here can read it."""
    assert ends(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("install", "read-only", "capgo_list_devices", "claude-desktop"):
        assert word in script
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(script, encoding="utf-8")
        subprocess.run([program, "-n", str(tmp_path / "script")], check=True, timeout=GENEROUS)


def test_bash_completes_a_near_word(tmp_path: Path, capsys: Output) -> None:
    """The script does its work in the shell itself: the rest of a command, and the tools of `call`."""
    assert ends(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out, encoding="utf-8")
    ask = r"""
source "$1"
completed() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "$(complete -p capgo-mcp | sed 's/.*-F \([^ ]*\).*/\1/')" capgo-mcp "${@: -1}" "${@: -2:1}"
    echo "${COMPREPLY[@]}"
}
completed capgo-mcp inst
completed capgo-mcp call capgo_list_dev
"""
    done = subprocess.run(
        ["bash", "-c", ask, "-", str(tmp_path / "script")], capture_output=True, text=True, check=True, timeout=GENEROUS
    )
    assert done.stdout.splitlines() == ["install", "capgo_list_devices capgo_list_device_events"]


def test_completion_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """Who has not installed it reads what to install."""
    monkeypatch.setattr("capgo_mcp.commands.completion.find_spec", lambda _: None)
    assert ends(["completion", "bash"]) == 2
    assert "capgo-mcp[completion]" in capsys.readouterr().err


def test_every_flag_is_found_for_suggestions() -> None:
    """Those of all commands, as the help shows them."""
    flags = {flag for action in actions(parser()) for flag in action.option_strings}
    assert {"--read-only", "--dry-run", "--no-browser", "--public", "--json"} <= flags
