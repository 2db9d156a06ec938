"""The scanners: how each is run, and what it finds, in one form."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a distribution of their own

from bench.servers import environment
from capgo_mcp.agent.definitions import stored
from capgo_mcp.catalog import TOOLSETS

_SERVER: Final = (sys.executable, "-m", "capgo_mcp", "--sandbox", "--rate", "1000000")
_ALL: Final = (*_SERVER, "--toolsets", "all")
_TAKEN: Final = "accepted_malformed"
_SEED: Final = "20261128"
_SAME: Final = {"PYTHONHASHSEED": "0"}
"""What the seed alone does not make the same each time."""
_LONGEST: Final = 300.0
_FOUND: Final = 2
"""The highest status with which a scanner ends that has done its work, and has found something."""


class NotRun(Exception):
    """A scanner could not be installed, or could not do its work; why, in a few words."""


@dataclass(frozen=True)
class Finding:
    """What a scanner says.

    Attributes:
        scanner: Which one.
        rule: By which of its rules.
        about: The tool, resource or message it is about.
        said: Its words.
    """

    scanner: str
    rule: str
    about: str
    said: str


@dataclass(frozen=True)
class Scanner:
    """A scanner from PyPI, in an environment of its own.

    Attributes:
        name: Package and program.
        version: The one that is run.
        environments: Where its environment is kept.
        folder: Where it writes.
    """

    name: str
    version: str
    environments: Path
    folder: Path

    def install(self) -> None:
        """Make its environment, unless there is one.

        Raises:
            NotRun: It cannot be had here.
        """
        if not self._program.exists():
            _done([sys.executable, "-m", "venv", "--clear", str(self._environment)])
            pip = (str(self._environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check")
            _done([*pip, f"{self.name}=={self.version}"])

    def run(self, *arguments: str) -> str:
        """What it prints.

        Raises:
            NotRun: It could not do its work.
        """
        return _done([str(self._program), *arguments], self.folder)

    def read(self, name: str) -> Any:
        """A JSON file that it wrote.

        Raises:
            NotRun: It wrote none.
        """
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NotRun(f"it wrote no {name}") from error

    @property
    def _environment(self) -> Path:
        return self.environments / f"{self.name}-{self.version}"

    @property
    def _program(self) -> Path:
        return self._environment / "bin" / self.name


def _done(command: Sequence[str], folder: Path | None = None) -> str:
    """What a program prints that has done its work."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(**_SAME), capture_output=True, text=True, timeout=_LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRun(str(error)) from error
    if not 0 <= done.returncode <= _FOUND:
        raise NotRun(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def tdqs(scanner: Scanner) -> Iterator[Finding]:
    """Whether the definitions of the tools are clear to an agent."""
    scanner.run("lint", "--command", " ".join(_ALL), "--fail-on", "never", "--format", "json", "--output", "tdqs.json")
    for row in scanner.read("tdqs.json")["findings"]:
        yield Finding(scanner.name, row["rule"], row["tool"], row["message"])


def mcp_contract(scanner: Scanner) -> Iterator[Finding]:
    """Whether two starts offer the same tools, to the last word."""
    scanner.run("snapshot", "--quiet", "--file", "contract.json", "--", *_ALL)
    told = json.loads(scanner.run("check", "--strict", "--json", "--file", "contract.json", "--", *_ALL))
    if "changes" not in told:
        raise NotRun(str(told.get("error")))
    for change in told["changes"]:
        yield Finding(scanner.name, "change", str(change.get("tool")), json.dumps(change))


def deepsleuth(scanner: Scanner) -> Iterator[Finding]:
    """Whether a tool hides an instruction, or changes its mind."""
    # Its own sandbox is Docker; ours has no network and no account behind it.
    scanner.run("scan", "--allow-unsandboxed", "--quiet", "--json", "deepsleuth.json", " ".join(_ALL))
    for row in scanner.read("deepsleuth.json"):
        yield Finding(scanner.name, row["raw"]["detector_id"], row["target"]["tool_name"], row["rationale"])


def mcp_fuzzer(scanner: Scanner) -> Iterator[Finding]:
    """Whether a tool or a message of the protocol takes what it should not, or breaks."""
    for toolset in sorted(TOOLSETS):  # one by one: it reads no line as long as the list of all tools
        yield from _fuzzed(scanner, "tools", (*_SERVER, "--toolsets", toolset), "--phase", "both", "--runs", "5")
    few = (*_SERVER, "--toolsets", "status")
    yield from _fuzzed(scanner, "protocol", few, "--protocol-phase", "aggressive", "--runs-per-type", "3")


def _fuzzed(scanner: Scanner, mode: str, server: Sequence[str], *options: str) -> Iterator[Finding]:
    how = ("--protocol", "stdio", "--no-network", "--seed", _SEED, "--timeout", "10", "--output-dir", "fuzzed")
    scanner.run("--mode", mode, "--endpoint", " ".join(server), *how, *options)
    summary = scanner.read("fuzzed/run_summary.json")
    if summary.get("status") != "completed":
        raise NotRun(f"{server[-1]}: {summary.get('blocked_detail') or summary.get('status')}")
    for row in scanner.read("fuzzed/findings.json")["findings"]:
        if not (row["kind"] == "tool" and row["category"] == _TAKEN and _may_be_taken(row["target"], row["evidence"])):
            yield Finding(scanner.name, row["category"], row["target"], row["detail"])


def _may_be_taken(tool: str, evidence: Any) -> bool:
    """Whether what a tool took is what it says that it takes: the fuzzer goes by words that look evil."""
    valid: bool = Draft202012Validator(stored(tool).input_schema).is_valid(evidence["input"])
    return valid
