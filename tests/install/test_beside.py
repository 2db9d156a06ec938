"""Living beside other servers: Capgo's own stays as it is, nothing is lost, and nobody's secret is shown."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from capgo_mcp.commands.cli import main
from capgo_mcp.config.machine import Machine
from capgo_mcp.install.clients import Client, named
from capgo_mcp.install.entries import is_ours
from capgo_mcp.install.files import ConfigFile
from tests.support.data import DATA

VENDOR: Final[dict[str, dict[str, Any]]] = json.loads((DATA / "vendor.json").read_text(encoding="utf-8"))
"""The entry that Capgo's documentation has people write, with a key in it: for each client, each kind of server."""
TOKEN: Final = "5ec4e700-0000-4000-8000-0000000d0d0d"


@pytest.fixture(params=["stdio", "hosted"])
def vendor(request: pytest.FixtureRequest, client: Client, sample: Path) -> Any:
    """Capgo's own server in the client's file, under the name that its documentation gives it."""
    entry = VENDOR[client.name][request.param]
    put(client, sample, "capgo", entry)
    return entry


def put(client: Client, path: Path, name: str, entry: Any) -> None:
    """Write an entry into a client's file, as its user does."""
    file = ConfigFile(path)
    file.write(client.editor.put(file.read() or "", (client.under, name), entry))


def servers(client: Client, path: Path) -> dict[str, Any]:
    """The servers in a client's file."""
    inner: dict[str, Any] = client.editor.read(ConfigFile(path).read() or "")[client.under]
    return inner


def test_the_vendors_server_stays(
    client: Client, sample: Path, vendor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another server under the name capgo is told and left alone; this one goes beside it, and comes out alone."""
    before = sample.read_bytes()
    assert main(["install", client.name, "--sandbox"]) == 0
    shown = capsys.readouterr()
    assert servers(client, sample)["capgo"] == vendor
    assert is_ours(servers(client, sample)["capgo-mcp"])
    assert "Capgo's own server" in shown.err
    assert "capgo-mcp" in shown.err
    assert TOKEN not in shown.out + shown.err
    assert main(["uninstall", client.name]) == 0
    assert sample.read_bytes() == before


def test_a_second_install_keeps_to_its_entry(client: Client, sample: Path, vendor: Any) -> None:
    """Options change in the entry that stands beside the vendor's, not in a further one."""
    assert main(["install", client.name, "--sandbox"]) == 0
    assert main(["install", client.name, "--read-only"]) == 0
    assert servers(client, sample)["capgo"] == vendor
    assert "--read-only" in json.dumps(servers(client, sample)["capgo-mcp"])


def test_uninstall_does_not_take_the_vendors_server(
    client: Client, sample: Path, vendor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where this server is not, there is nothing to take out, whatever is called capgo."""
    before = sample.read_bytes()
    assert main(["uninstall", client.name]) == 0
    assert sample.read_bytes() == before
    assert servers(client, sample)["capgo"] == vendor
    assert "does not have the server" in capsys.readouterr().err


def test_replaced_on_demand_and_put_back(
    client: Client, sample: Path, vendor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --replace the name capgo changes hands, without a secret in what is shown, until uninstall."""
    before = sample.read_bytes()
    assert main(["install", client.name, "--replace", "--sandbox"]) == 0
    shown = capsys.readouterr()
    assert is_ours(servers(client, sample)["capgo"])
    assert "capgo-mcp" not in servers(client, sample)
    assert TOKEN not in shown.out + shown.err
    assert any(TOKEN in backup.text for backup in ConfigFile(sample).backups())
    assert main(["install", client.name, "--read-only"]) == 0
    assert main(["uninstall", client.name]) == 0
    assert sample.read_bytes() == before
    assert servers(client, sample)["capgo"] == vendor


def test_replaced_entry_comes_back_into_a_file_that_changed(client: Client, sample: Path, vendor: Any) -> None:
    """What others wrote since stays, and the entry that was replaced comes back from the backup."""
    assert main(["install", client.name, "--replace"]) == 0
    put(client, sample, "meanwhile", vendor)
    assert main(["uninstall", client.name]) == 0
    assert servers(client, sample)["capgo"] == vendor
    assert servers(client, sample)["meanwhile"] == vendor


def test_replacing_later_moves_the_entry(client: Client, sample: Path, vendor: Any) -> None:
    """Who first lets both live and then replaces has one entry of this server, and gets the other one back."""
    before = sample.read_bytes()
    assert main(["install", client.name]) == 0
    assert main(["install", client.name, "--replace"]) == 0
    assert "capgo-mcp" not in servers(client, sample)
    assert main(["uninstall", client.name]) == 0
    assert sample.read_bytes() == before
    assert servers(client, sample)["capgo"] == vendor


def test_both_names_taken_is_told(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Where both names belong to others, nothing is written, and the way out is named."""
    client = named("cursor")
    place = client.path(machine)
    for name in ("capgo", "capgo-mcp"):
        put(client, place, name, VENDOR["cursor"]["hosted"])
    before = place.read_bytes()
    assert main(["install", "cursor"]) == 2
    assert place.read_bytes() == before
    assert "--replace" in capsys.readouterr().err


def test_a_project_with_the_vendors_server_hides_the_name(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Claude Code prefers a project's own server of a name, and adds servers to the project unless told otherwise."""
    client = named("claude-code")
    place = client.path(machine)
    local = {"mcpServers": {"capgo": VENDOR["claude-code"]["hosted"]}}
    place.write_text(json.dumps({"projects": {"/home/kim/app": local}}), encoding="utf-8")
    assert main(["install", "claude-code"]) == 0
    assert set(servers(client, place)) == {"capgo-mcp"}
    assert "project" in capsys.readouterr().err


@pytest.mark.parametrize(
    "steps",
    [
        ["install", "install --sandbox", "uninstall"],
        ["install", "edit", "install --sandbox"],
        ["install", "edit", "uninstall"],
        ["install --replace", "edit", "install --read-only", "uninstall"],
        ["install --replace", "uninstall", "edit", "install --replace", "uninstall"],
        ["install", "install --replace", "install --sandbox", "install --app com.a.b"],
    ],
    ids=", ".join,
)
def test_every_change_has_a_backup(client: Client, sample: Path, vendor: Any, steps: list[str]) -> None:
    """Whatever a file held when a command changed it, hand-made changes included, is kept until it holds it again."""
    held: set[str | None] = set()
    for step in steps:
        if step == "edit":
            inner = servers(client, sample)
            name = next((name for name in inner if is_ours(inner[name])), "capgo")
            put(client, sample, name, vendor | inner[name] | {"note": f"mine, {len(held)}"})
            continue
        held.add(ConfigFile(sample).read())
        command, *options = step.split()
        assert main([command, client.name, *options]) == 0
        held.discard(ConfigFile(sample).read())
        assert held <= {backup.text for backup in ConfigFile(sample).backups()}


@pytest.mark.parametrize("name", ["cursor", "copilot", "claude-desktop"])
@pytest.mark.parametrize("way", [[], ["--write-key"], ["--replace"]])
def test_a_file_on_one_line_shows_no_secret(
    name: str, way: list[str], machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where all servers stand on one line, the difference is that line; the neighbours' values are not in it."""
    monkeypatch.setenv("CAPGO_API_KEY", "5ec4e700-0000-4000-8000-00000000f00d")
    client = named(name)
    place = client.path(machine)
    place.parent.mkdir(parents=True, exist_ok=True)
    neighbour = {"command": "x", "env": {"PIN": 987654321, "TOKEN": 'ghp_"neigh\\bour'}, "args": ["--token=tok_arg"]}
    data = {client.under: {"capgo": VENDOR[name]["hosted"], "github": neighbour}, "apiKey": "sk-root"}
    place.write_text(json.dumps(data), encoding="utf-8")
    assert main(["install", name, *way]) == 0
    assert main(["uninstall", name]) == 0
    shown = capsys.readouterr()
    assert '"github"' in shown.out
    for secret in (TOKEN, "f00d", "987654321", "ghp_", "tok_arg", "sk-root"):
        assert secret not in shown.out + shown.err


def test_secrets_in_toml_and_comments_are_not_shown(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Comments, long texts and texts in single quotes hold secrets as well."""
    place = named("codex").path(machine)
    place.parent.mkdir(parents=True)
    lines = ["[mcp_servers.one.env] # tok_comment", "A = 'tok_single'", 'B = """', 'tok_long"""', "C = 12345678"]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["install", "codex", "--sandbox"]) == 0
    shown = capsys.readouterr().out
    assert "--sandbox" in shown
    assert "tok_" not in shown
    assert "12345678" not in shown


def test_a_file_that_changes_meanwhile_is_not_overwritten(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client that saves its file between the look and the change keeps what it saved."""
    place = named("cursor").path(machine)
    place.parent.mkdir(parents=True)
    place.write_text("{}", encoding="utf-8")
    monkeypatch.setattr("capgo_mcp.install.setup._show", lambda *_: place.write_text('{"new": 1}', encoding="utf-8"))
    assert main(["install", "cursor"]) == 2
    assert place.read_text(encoding="utf-8") == '{"new": 1}'
    assert "again" in capsys.readouterr().err


def test_overview_tells_the_two_apart(
    client: Client, sample: Path, vendor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list of clients says where a server named capgo is another one, and under which name this one stands."""

    def told() -> str:
        assert main(["install"]) == 0
        lines = capsys.readouterr().out.splitlines()
        return next(line for line in lines if line.startswith(f"{client.name} "))

    assert vendor
    assert sample.exists()
    assert "Capgo's own server" in told()
    assert main(["install", client.name]) == 0
    capsys.readouterr()
    assert "has the server, as capgo-mcp" in told()


@pytest.mark.parametrize(
    "command",
    [
        ["/home/kim/.local/bin/capgo-mcp", "--read-only"],
        ["C:\\Users\\kim\\capgo-mcp.exe"],
        ["uvx", "capgo-mcp"],
        ["/opt/uvx", "--from", "capgo-mcp[keyring]", "capgo-mcp", "--sandbox"],
        ["uvx", "capgo-mcp@latest"],
        ["uvx", "--from", "git+https://git.example.com/kim/capgo.git", "capgo-mcp"],
        ["uv", "run", "--directory", "/home/kim/src", "capgo-mcp"],
        ["pipx", "run", "capgo-mcp==1.2.3"],
        ["/usr/bin/python3.12", "-m", "capgo_mcp"],
        ["docker", "run", "-i", "--rm", "example.com/kim/capgo-mcp:1.2.3"],
    ],
)
def test_own_entries_are_known_by_their_command(command: list[str]) -> None:
    """However this program is started, its entry is taken for its own, in each client's form."""
    assert is_ours({"command": command[0], "args": command[1:]})
    assert is_ours({"type": "local", "command": command})
    assert is_ours({"command": {"path": command[0], "args": command[1:]}})


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "npx", "args": ["capgo-mcp"]},
        {"command": "npx", "args": ["mcp-remote", "https://mcp.example.com/capgo-mcp"]},
        {"command": "uvx", "args": ["mcp-proxy", "https://mcp.example.com/capgo-mcp"]},
        {"command": "node", "args": ["/home/kim/capgo-mcp"]},
        {"command": "uvx", "args": ["capgo-mcp-tools"]},
        {"url": "https://mcp.example.com/capgo-mcp"},
        {"command": ["npx"], "args": "capgo-mcp"},
        {"command": 1, "args": [None]},
        {"command": {}},
        "capgo-mcp",
        [],
    ],
)
def test_other_entries_are_not(entry: Any) -> None:
    """Another program, another registry's package of the name, an address: none of them is this program."""
    assert not is_ours(entry)
    assert all(not is_ours(of_kind) for kinds in VENDOR.values() for of_kind in kinds.values())
