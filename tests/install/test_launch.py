"""How a client starts the server again, and that nobody is sent to a place that is not ours."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.commands.cli import main
from capgo_mcp.config.options import SettingsError
from capgo_mcp.install import launch
from capgo_mcp.install import source as sources
from capgo_mcp.install.launch import Program, this_program
from capgo_mcp.install.source import SOURCE, Provenance, origin

AGAINST: Final = "whoever takes a name that is not ours yet"
ATTACKER: Final = "a supplier"
ASSET: Final = "the key"

ROOT: Final = Path(__file__).parents[2]
UVX: Final = Path("/home/kim/.cache/uv/archive-v0/abc/bin/python")
PIPX: Final = Path("/home/kim/.cache/pipx/5d2c/bin/python")
GIT: Final = "git+https://git.example.com/kim/capgo-mcp@1f0c"
TOLD: Final = re.compile(r"(uvx|pipx run|pip install|uv tool install|--from) \"?capgo-mcp\b")
"""Words that have somebody fetch a package of that name, whoever owns it."""


def program(python: Path, *, keyring: bool = False, place: str | None = None, released: bool = False) -> Program:
    """A program that runs somewhere, on a machine that has every launcher."""
    return Program(python, keyring, place, lambda name: f"/opt/{name}", Provenance(released=released))


def test_installed_program_is_started_by_its_path(tmp_path: Path) -> None:
    """A graphical client does not know the shell's PATH."""
    (tmp_path / "capgo-mcp").touch()
    assert program(tmp_path / "python").command() == (str(tmp_path / "capgo-mcp"),)


def test_program_without_a_script_is_started_through_python(tmp_path: Path) -> None:
    """Where only the module is there, it is what a client starts."""
    assert program(tmp_path / "python").command() == (str(tmp_path / "python"), "-m", "capgo_mcp")


@pytest.mark.parametrize(
    ("python", "words"),
    [
        (UVX, ("/opt/uvx", "--from", GIT, "capgo-mcp")),
        (PIPX, ("/opt/pipx", "run", "--spec", GIT, "capgo-mcp")),
        (Path("/home/kim/.local/share/pipx/.cache/5d2c/bin/python"), ("/opt/pipx", "run", "--spec", GIT, "capgo-mcp")),
        (Path("/Users/kim/Library/Caches/pipx/5d/bin/python"), ("/opt/pipx", "run", "--spec", GIT, "capgo-mcp")),
        (Path("/home/kim/.local/share/pipx/venvs/capgo-mcp/bin/python"), None),
        (Path("/home/kim/.local/share/uv/tools/capgo-mcp/bin/python"), None),
    ],
)
def test_what_a_launcher_runs_is_fetched_by_it_from_the_same_place(python: Path, words: tuple[str, ...] | None) -> None:
    """An environment in a cache is cleaned some day; its launcher makes it anew, from where this copy came."""
    assert program(python, place=GIT).command() == (words or (str(python), "-m", "capgo_mcp"))


@pytest.mark.parametrize(
    ("place", "released", "words"),
    [
        (GIT, False, ("--from", f"capgo-mcp[keyring] @ {GIT}", "capgo-mcp")),
        ("/home/kim/src", False, ("--from", "capgo-mcp[keyring] @ file:///home/kim/src", "capgo-mcp")),
        (None, True, ("--from", "capgo-mcp[keyring]", "capgo-mcp")),
    ],
)
def test_a_launcher_fetches_the_keyring_too(place: str | None, released: bool, words: tuple[str, ...]) -> None:
    """What could use the keyring can use it when a client starts it."""
    assert program(UVX, keyring=True, place=place, released=released).command() == ("/opt/uvx", *words)


def test_a_released_program_is_fetched_by_its_name() -> None:
    """Once the name is ours, it is all that is needed."""
    assert program(UVX, released=True).command() == ("/opt/uvx", "capgo-mcp")


@pytest.mark.parametrize("gone", [program(UVX), Program(PIPX, False, GIT, lambda _: None)])
def test_what_nobody_can_fetch_again_is_not_written(gone: Program) -> None:
    """A copy from a cache that nothing leads back to is refused with the way out, and no name is guessed."""
    with pytest.raises(SettingsError, match=r"install it first, with uv tool install \."):
        gone.command()


def test_a_folder_for_temporary_files_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client would look for the program there after a restart, in vain."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(this_program().python.parent))
    assert main(["install", "cursor", "--sandbox", "--dry-run"]) == 0
    assert "temporary files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("note", "place"),
    [
        (
            {"url": "https://git.example.com/kim/x", "vcs_info": {"vcs": "git", "commit_id": "1f"}},
            "git+https://git.example.com/kim/x@1f",
        ),
        ({"url": "file:///home/kim/my%20src", "dir_info": {"editable": True}}, "/home/kim/my src"),
        (
            {"url": "https://files.example.com/capgo_mcp.whl", "archive_info": {}},
            "https://files.example.com/capgo_mcp.whl",
        ),
        (None, None),
    ],
)
def test_the_origin_is_what_the_installer_noted(
    note: object, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installers note from which repository, folder or file a package came; from an index they note nothing."""

    class Noted:
        def read_text(self, _: str) -> str | None:
            return json.dumps(note) if note else None

    monkeypatch.setattr(sources, "distribution", lambda _: Noted())
    assert origin() == place
    assert launch.this_program().origin == place


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Provenance(), ".[keyring]"),
        (Provenance(git="https://git.example.com/x"), "capgo-mcp[keyring] @ git+https://git.example.com/x"),
        (Provenance(released=True, git="https://git.example.com/x"), "capgo-mcp[keyring]"),
    ],
)
def test_installers_are_told_what_is_ours(source: Provenance, words: str) -> None:
    """A checkout first, the repository when its account is ours, the index when the name is."""
    assert source.requirement("keyring") == words


@pytest.mark.skipif(SOURCE.released, reason="the name is ours now")
@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("*.md"), *ROOT.glob("*.json"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("capgo_mcp/**/*.py")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nobody_is_sent_to_a_name_that_is_not_ours(path: Path) -> None:
    """Before the release no page, manifest or hint has anyone run whatever package bears the name, with their key."""
    if path.name == "RELEASING.md":  # it is about those words
        return
    text = path.read_text(encoding="utf-8")
    assert not TOLD.search(text)
    assert '"registryType"' not in text or path.suffix == ".py"
