"""Writes and checks what is generated: tables in the documentation, `server.json`, `manifest.json` and the plugin.

`python -m scripts.docs` writes them, `python -m scripts.docs --check` fails where they differ.
"""

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from capgo_mcp.api.operation import Declared, Effect
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from capgo_mcp.commands.picture import picture
from capgo_mcp.commands.terminal import Terminal
from capgo_mcp.config.machine import Machine, System
from capgo_mcp.config.options import HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES, Option, flag_of, variable_of
from capgo_mcp.insights.summary import SummarizeDevices
from capgo_mcp.install.clients import CLIENTS
from capgo_mcp.install.source import PACKAGE, SOURCE, Provenance
from capgo_mcp.operations import OPT_IN, toolset
from capgo_mcp.server import skills
from capgo_mcp.server.recipes import RECIPES
from frameworks import table as frameworks
from scripts import badges, beside, contract, examples, links, plugins, promises, rooms, threats, tool_pages, vendor
from scripts import manifests as registry
from scripts.markdown import table

ROOT: Final = Path(__file__).parents[1]
_TOOLS: Final = ROOT / "docs" / "tools"

_EFFECTS: Final = {
    Effect.READ: "reads",
    Effect.CREATE: "creates",
    Effect.CHANGE: "changes",
    Effect.DELETE: "deletes",
}
_CONFIGURATION: Final = """\
# Configuration

Written by `make docs` from the options themselves.

Every option is a flag and an environment variable; the flag wins. A switch is on in the environment with `1`, `true`,
`yes` or `on`. `capgo-mcp install CLIENT` takes the same options and hands them to the client.

## The key and the address

These are set in the environment only, because a command line shows in lists of processes.

{variables}

The key is looked for in this order, and only when the first call needs it:

1. `CAPGO_API_KEY`
2. the file that `CAPGO_API_KEY_FILE` names, read again at each call
3. the key that `capgo-mcp login` saved, from signing in with the browser or pasted: in the system's keyring where the
   extra `capgo-mcp[keyring]` is installed and there is one, otherwise in a file that only you can read. Beside it,
   `sign-in.json` holds for which organizations and until when it is, and no key
4. `CAPGO_TOKEN` and then `~/.capgo`, where the Capgo CLI has its key

The server tells on stderr where it found a key of 3 or 4. A value such as `${{NAME}}` that a client has left unfilled
counts as not set.

## Options of every command that uses the tools

{options}

## Options of `capgo-mcp http`

{http_options}

{http_variables}
"""


def tools() -> str:
    """The table of the tools; opt-in toolsets have one row each."""
    rows = [
        (tool.spec.toolset, _linked(tool), _first_sentence(tool.spec.description), _effect(tool))
        for tool in every_tool()
        if tool.spec.toolset in DEFAULT_TOOLSETS
    ]
    for module in OPT_IN:
        members = [tool for tool in every_tool() if tool.spec.toolset == toolset(module)]
        names = ", ".join(_linked(tool) for tool in members)
        effects = dict.fromkeys(_EFFECTS[tool.spec.effect] for tool in members)
        rows.append((f"{toolset(module)} *", names, _first_sentence(module.__doc__ or ""), ", ".join(effects)))
    return table(("toolset", "tool", "what it does", "effect"), rows)


def clients() -> str:
    """The table of the clients and the files in which they keep their servers."""
    rows = [
        (
            client.title,
            f"`capgo-mcp install {client.name}`",
            *(_place(client, system) for system in ("linux", "macos", "windows")),
        )
        for client in CLIENTS
    ]
    return table(("client", "command", "Linux", "macOS", "Windows"), rows)


def configuration() -> str:
    """The whole page about the configuration."""
    return _CONFIGURATION.format(
        variables=_variables(VARIABLES),
        options=_options(OPTIONS),
        http_options=_options(HTTP_OPTIONS),
        http_variables=_variables(HTTP_VARIABLES),
    )


def room_table() -> str:
    """The table of the rooms, in the words of the rooms themselves."""
    return table(("room", "what lives there"), [(f"`{name}/`", what) for name, what in rooms.descriptions()])


def promise_table() -> str:
    """The table of what is promised, against whom, and the test that holds it."""
    return table(("promise", "held against", "test"), promises.rows())


def threat_model() -> str:
    """What is guarded, and the table of who may want it, what holds and what does not."""
    head = ("attacker", "after", "what holds, by its test", "what does not")
    assets, attackers = threats.told(threats.ASSETS), threats.told(threats.ATTACKERS)
    return f"What is guarded:\n\n{assets}\n\nWho may be after it:\n\n{attackers}\n\n{table(head, threats.rows())}"


def get(source: Provenance = SOURCE) -> str:
    """How to get the program; it names a place only when that place is ours.

    Args:
        source: Where the program can be had.
    """
    requirement = shlex.quote(source.requirement())
    where = "" if source.released or source.git else " in a checkout"
    sentence = (
        ""
        if source.released
        else f"It is not published in a package index yet: a package named {PACKAGE} there is somebody else's. "
    )
    return (
        f"{sentence}Install it{where}:\n\n```sh\nuv tool install {requirement}    # or: pipx install {requirement}\n```"
    )


def tool_changes() -> str:
    """How the tools differ from those of the last release."""
    return table(
        ("tool", "arguments that came", "arguments that went"),
        [
            (f"`{one.tool}`{' (new)' if one.new else ''}", _names([] if one.new else one.added), _names(one.removed))
            for one in contract.differences(contract.released(), contract.now())
        ],
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def skill_table() -> str:
    """The table of the recipes, by both of their names."""
    return table(
        ("skill", "prompt", "what it is for"),
        [(f"`{skills.name_of(recipe)}`", f"`{recipe.name}`", recipe.description) for recipe in RECIPES],
    )


def window() -> str:
    """What a person sees of an answer in a terminal."""
    answer = examples.example(SummarizeDevices).answer
    lines = "\n".join(picture(answer, Terminal(width=80)))
    return f"```text\n{lines}\n```"


def vendors() -> str:
    """The table of the vendor's hosted tools and ours."""
    return table(("hosted", "calls", "here", "what is different"), vendor.rows())


SECTIONS: Final = {
    "badges": badges.line,
    "vendor": vendors,
    "tool-changes": tool_changes,
    "tools": tools,
    "clients": clients,
    "get": get,
    "skills": skill_table,
    "window": window,
    "rooms": room_table,
    "picture": rooms.picture,
    "buttons": links.button_table,
    "lines": links.shell_lines,
    "promises": promise_table,
    "threats": threat_model,
    "frameworks": frameworks.section,
    "beside": beside.section,
}
"""What can stand between markers such as `<!-- tools -->` and `<!-- /tools -->` in a page."""
_SECTION: Final = re.compile(rf"<!-- ({'|'.join(SECTIONS)}) -->\n.*?<!-- /\1 -->", re.DOTALL)


def filled(page: str) -> str:
    """A page with its generated sections as they should be."""
    return _SECTION.sub(lambda mark: f"<!-- {mark[1]} -->\n{SECTIONS[mark[1]]()}\n\n<!-- /{mark[1]} -->", page)


def generated() -> dict[Path, str]:
    """What every file that is generated, wholly or in parts, should hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pages = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    return {
        **{page: filled(page.read_text(encoding="utf-8")) for page in pages},
        ROOT / "docs" / "configuration.md": configuration(),
        **{_TOOLS / name: page for name, page in tool_pages.pages().items()},
        **{ROOT / name: text for name, text in plugins.files().items()},
        **{ROOT / name: picture for name, picture in badges.files()},
        ROOT / "server.json": _json(registry.server()),
        ROOT / "manifest.json": _json(registry.manifest(project["requires-python"])),
    }


def main(arguments: Sequence[str]) -> int:
    """Write what is generated, or with `--check` tell what is out of date."""
    wanted = generated()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    stale += _left_over() - wanted.keys()
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: make docs", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


def _left_over() -> set[Path]:
    """What may stand only where it is generated: pages of tools, badges, and files of the plugin."""
    plugin = {path for path in (ROOT / plugins.FOLDER).rglob("*") if path.is_file()}
    return {*_TOOLS.glob("*.md"), *(ROOT / badges.FOLDER).glob("*.svg"), *plugin} - {ROOT / plugins.ICON}


def _linked(tool: type[Declared[Any]]) -> str:
    return f"[`{tool.spec.name}`](docs/tools/{tool.spec.name}.md)"


def _effect(tool: type[Declared[Any]]) -> str:
    effect = tool.spec.effect
    often = ", with consent" if effect is Effect.DELETE else ", at times with consent"
    return f"{_EFFECTS[effect]}{often if tool.can_destroy() else ''}"


def _place(client: Any, system: System) -> str:
    home = Path("/home")
    machine = Machine(system, home, {"APPDATA": "%APPDATA%"} if system == "windows" else {})
    place = machine.short(client.places(machine)[0])
    return f"`{place.replace('/', chr(92)) if system == 'windows' else place}`"


def _first_sentence(text: str) -> str:
    first: str = re.split(r"(?<=\.)\s|:\s|\n", text, maxsplit=1)[0]
    return first.rstrip(".")


def _options(options: Iterable[Option]) -> str:
    rows = [
        (
            f"`{option.flag}{f' {option.metavar}' if option.metavar else ''}`",
            f"`{option.variable}`",
            _default(option),
            _help(option),
        )
        for option in options
    ]
    return table(("flag", "environment", "default", "what it does"), rows)


def _default(option: Option) -> str:
    if not option.metavar:
        return "off"
    return (
        f"`{option.default:g}`"
        if isinstance(option.default, float)
        else f"`{option.default}`"
        if option.default
        else ""
    )


def _help(option: Option) -> str:
    chosen = f" ({', '.join(option.choices)})" if option.choices else ""
    former = f"; `{flag_of(option.former)}` and `{variable_of(option.former)}` still work" if option.former else ""
    return f"{option.help}{chosen}{former}"


def _variables(variables: dict[str, str]) -> str:
    return table(("environment", "what it is"), [(f"`{name}`", what) for name, what in variables.items()])


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
