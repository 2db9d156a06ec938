"""What the documentation shows works: commands, snippets, names and links."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import uvicorn

from capgo_mcp.client import error_codes, error_contexts
from capgo_mcp.commands.cli import COMMANDS, main
from capgo_mcp.commands.parser import parser
from capgo_mcp.config.keystore import VENDORS_VARIABLE
from capgo_mcp.config.options import HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES, variable_of
from capgo_mcp.sandbox import ADMIN_KEY, create_app

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LOCAL_CODES: Final = {"no_key", "key_expired", "invalid_arguments", "consent_no_way_to_ask"}


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The code blocks of a language in all pages, each with the page it stands in."""
    for page in PAGES:
        for block in re.findall(
            rf"^ *```{language}\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            yield page.name, block


def commands(name: str) -> list[str]:
    """The lines of shell blocks that call a program, without their comments."""
    joined = (re.sub(r"\\\n|(?<=[{,])\n\s*|\n(?=})", " ", block) for _, block in blocks("(?:sh|console)"))
    lines = (re.sub(r"\s#.*|^\w+=\S+ |^(uvx|\$) ", "", line).strip() for block in joined for line in block.splitlines())
    return sorted({line for line in lines if line.split(" ")[0] == name})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The address of a sandbox over HTTP."""
    server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(("page", "block"), list(blocks("json")))
def test_json_snippets_are_json(page: str, block: str) -> None:
    """Every JSON snippet can be pasted into a configuration file."""
    assert json.loads(block), page


@pytest.mark.parametrize("command", commands("capgo-mcp"))
def test_commands_are_understood(command: str) -> None:
    """Every capgo-mcp command that is shown parses."""
    assert parser().parse_args(shlex.split(command)[1:]).command in COMMANDS


@pytest.mark.parametrize("command", [command for command in commands("capgo-mcp") if "call --sandbox" in command])
def test_calls_answer(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every call on the sandbox that is shown brings an answer."""
    assert main(shlex.split(command)[1:]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", commands("make"))
def test_make_targets_exist(command: str) -> None:
    """Every make target that is shown is one."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in shlex.split(command)[1:]:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("block", [block for page, block in blocks("python") if page != "CONTRIBUTING.md"])
def test_python_examples_run(sandbox: str, block: str) -> None:
    """Every Python example runs as it stands."""
    environment = {**os.environ, "CAPGO_API_KEY": ADMIN_KEY, "CAPGO_API_URL": sandbox}
    done = subprocess.run([sys.executable, "-c", block], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_pages_exist(page: Path) -> None:
    """Flags, environment variables, error codes, tools and linked files that a page names are real."""
    text = page.read_text(encoding="utf-8")
    variables = {*VARIABLES, *HTTP_VARIABLES, VENDORS_VARIABLE}
    for option in (*OPTIONS, *HTTP_OPTIONS):
        variables |= {option.variable, variable_of(option.former)}
    assert set(re.findall(r"`(CAPGO_\w+)`", text)) <= variables
    codes = {*error_codes.BY_CODE, *(code for code, _ in error_contexts.BY_DETAIL), *LOCAL_CODES}
    assert set(re.findall(r"`\[(\w+)\]`", text)) <= codes
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
