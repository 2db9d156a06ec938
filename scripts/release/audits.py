"""What others can hold a release to: its materials, its manifests, the workflow that makes it, known advisories."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import bundle, npm
from scripts.release.environments import ROOT, Wrong, commit_time, run

_SCHEMAS: Final = ROOT / "tests" / "data" / "schemas"
_WORKFLOWS: Final = ROOT / ".github" / "workflows"
_UPDATES: Final = ROOT / ".github" / "dependabot.yml"


def materials(tools: Path, clean: Path, target: Path) -> None:
    """Write which packages an installation consists of, as CycloneDX."""
    words = ("--output-reproducible", "--pyproject", ROOT / "pyproject.toml", "-o", target, clean)
    run(tools.with_name("cyclonedx-py"), "environment", *words, SOURCE_DATE_EPOCH=commit_time())
    components = json.loads(target.read_text(encoding="utf-8"))["components"]
    print(f"materials      {target.name}, {len(components)} packages")


def manifests(tools: Path) -> None:
    """Both manifests are valid: by their schemas, and by the program of those who read the bundle's."""
    for name, schema in (("server.json", "server"), ("manifest.json", "mcpb-manifest")):
        run(tools.with_name("check-jsonschema"), "--schemafile", _SCHEMAS / f"{schema}.schema.json", ROOT / name)
    if not npm.available():
        raise Wrong("manifest.json cannot be validated without npm")
    run(npm.program("@anthropic-ai/mcpb", "mcpb"), "validate", ROOT / "manifest.json")
    print("manifests      server.json and manifest.json are valid")


def bundle_lock(tools: Path) -> None:
    """What a client's uv would install is held by the lock in the bundle, and the server starts with it."""
    uv = tools.with_name("uv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle.stage(folder, uv)
        words = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))["server"]["mcp_config"]["args"]
        started = (str(word).replace("${__dirname}", name) for word in words)
        told = run(uv, *started, "--version", UV_FROZEN="1", VIRTUAL_ENV="").split()
    if told != ["capgo-mcp", __version__]:
        raise Wrong("the bundle starts another version")
    print("bundle         starts with what its lock holds")


def workflows(tools: Path) -> None:
    """The workflows are well formed, and nothing in them lends their rights to others; no network is used."""
    found = sorted(_WORKFLOWS.glob("*.yml"))
    run(tools.with_name("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *found)
    run(tools.with_name("check-jsonschema"), "--builtin-schema", "vendor.dependabot", _UPDATES)
    run(tools.with_name("zizmor"), "--offline", "--pedantic", "--no-progress", *found, _UPDATES)
    print(f"workflows      {', '.join(path.name for path in found)}")


def advisories(tools: Path, clean: Path) -> None:
    """No package of an installation has a known fault; an index that tells no advisories leaves it unknown.

    Raises:
        Wrong: A package has one.
    """
    site = run(clean, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    words = (tools, "-m", "pip_audit", "--path", site, "--format", "json", "--progress-spinner", "off")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise Wrong(f"the audit did not run: {done.stderr.strip().splitlines()[-1]}")
    packages = json.loads(done.stdout)["dependencies"]
    if bad := [package["name"] for package in packages if package.get("vulns")]:
        raise Wrong(f"{', '.join(bad)}: see the advisories that pip-audit tells")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    told = len(packages) - len(skipped)
    print(f"advisories     none for {told} packages; of {len(skipped)} this index tells nothing")
