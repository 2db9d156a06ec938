"""What can be typed after `capgo-mcp`: every command with its options, and nothing of what they do."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from capgo_mcp.client.version import __version__
from capgo_mcp.config.options import API, HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES, Option, flag_of

_ABOUT: Final = """\
MCP server for Capgo: lets an agent see devices, move channels and clean up bundles.

Without a command it serves MCP over stdin and stdout, which is how clients such as Claude Desktop start it. The \
other commands are for people:
"""
_EPILOG: Final = """\
environment:
{variables}

  Every option can be set there as well, e.g. CAPGO_MCP_READ_ONLY=1.

try it without an account:
  capgo-mcp demo
  capgo-mcp call --sandbox capgo_list_apps
"""
_HTTP_EPILOG: Final = """\
environment:
{variables}

  Every option can be set there as well, e.g. CAPGO_MCP_PORT=8080.

Clients send their key in the header X-Capgo-Api-Key, to http://127.0.0.1:8000/mcp unless --host and --port say \
otherwise.
"""
SHELLS: Final = ("bash", "zsh", "fish")
"""The shells whose completion is tried."""

_CLIENTS: Final = "claude-desktop, claude-code, cursor, vscode, windsurf, codex, gemini, copilot, zed or opencode"


# Read from the message, since argparse tells nowhere else what it found wrong; from Python 3.15 on it suggests one too.
_NOT_A_CHOICE: Final = re.compile(
    r"argument ([^:]+): invalid choice: '([^']*)'(?:, maybe you meant '[^']*'\?)? \(choose from (.*)\)"
)


class Parser(argparse.ArgumentParser):
    """Tells what is wrong in one line, with what was perhaps meant."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        if wrong := _NOT_A_CHOICE.fullmatch(message):
            known = re.findall(r"[\w-]+", wrong[3])
            of = f"one of {', '.join(known)}"
            said = f"there is no command {wrong[2]!r}" if wrong[1] == "COMMAND" else f"{wrong[1]} must be {of}"
            message = _with_near(said, wrong[2], known)
        elif wrong := re.match(r"unrecognized arguments: (-[^\s=]*)", message):
            message = _no_such_flag(self, wrong[1])
        else:
            message += "."
        self.exit(2, f"capgo-mcp: error: {message} See {self.prog} --help.\n")


def actions(whole: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Everything that a command line may hold, its commands' own included."""
    for action in whole._actions:  # noqa: SLF001 - argparse tells them nowhere else
        yield action
        for inner in action.choices.values() if isinstance(action.choices, dict) else ():
            yield from actions(inner)


def _no_such_flag(whole: argparse.ArgumentParser, flag: str) -> str:
    """That a flag does not exist, or not for this command."""
    commands = {
        name: inner for one in actions(whole) if isinstance(one.choices, dict) for name, inner in one.choices.items()
    }
    homes = [name for name, inner in commands.items() if any(flag in one.option_strings for one in actions(inner))]
    if homes:
        return f"{flag} is an option of capgo-mcp {' and '.join(homes)} only."
    known = [name for one in actions(whole) if one.help != argparse.SUPPRESS for name in one.option_strings]
    return _with_near(f"there is no {flag}", flag, known)


def _with_near(said: str, word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"{said}; did you mean {near[0]}?" if near else f"{said}."


def parser() -> argparse.ArgumentParser:
    """The command line; what it reads has the name of the command in `command`, or None there when none was typed."""
    shared = _options(OPTIONS)
    whole = Parser(
        "capgo-mcp",
        description=_wrapped(_ABOUT),
        epilog=_wrapped(_EPILOG.format(variables=_table(VARIABLES))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    whole.add_argument("--version", action="version", version=f"capgo-mcp {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    _add_setup(commands, shared)
    _add_use(commands, shared)
    _add_http(commands, shared)
    sandbox = commands.add_parser(
        "sandbox", help="serve the sandbox over HTTP, to use as CAPGO_API_URL", parents=[_options([API])]
    )
    sandbox.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    sandbox.add_argument("--port", type=int, default=8787, help="port to listen on (default: %(default)s)")
    completion = commands.add_parser("completion", help="print what a shell needs to complete this command line")
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    return whole


def _table(rows: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:20}  {what}" for name, what in rows.items())


def _wrapped(text: str) -> str:
    """Text in lines that fit the terminal; what stands under something goes on under it."""
    width = max(40, shutil.get_terminal_size().columns - 2)
    lines = (re.fullmatch(r"(\s*(?:\S+\s{2,})?)(.*)", line) for line in text.splitlines())
    return "\n".join(
        textwrap.fill(line[2], width, initial_indent=line[1], subsequent_indent=" " * len(line[1]))
        for line in lines
        if line
    )


def _add_setup(commands: Any, shared: Parser) -> None:
    install = commands.add_parser(
        "install", help="add the server, with the options given here, to an MCP client", parents=[shared]
    )
    install.add_argument("client", metavar="CLIENT", nargs="?", help=f"{_CLIENTS}; without it, tell which are here")
    install.add_argument("--write-key", action="store_true", help="write the API key itself into the client's file")
    install.add_argument("--replace", action="store_true", help="take the place of another server named capgo")
    uninstall = commands.add_parser("uninstall", help="take it out of a client again")
    uninstall.add_argument("client", metavar="CLIENT", help=_CLIENTS)
    for command in (install, uninstall):
        command.add_argument("--dry-run", action="store_true", help="only show what would change")

    login = commands.add_parser("login", help="sign in with the browser, or paste an API key, and save the key")
    login.add_argument("--paste", action="store_true", help="paste a key from the Capgo console, without the browser")
    login.add_argument("--no-browser", action="store_true", help="print the address, to open it on another machine")
    login.add_argument("--file", action="store_true", help="save it in a private file, even where there is a keyring")
    login.add_argument("--no-check", action="store_true", help="paste a key, and save it without trying it")
    commands.add_parser("logout", help="revoke the key if signing in brought it, and forget it")

    doctor = commands.add_parser("doctor", help="check key, network, rights and clients", parents=[shared])
    doctor.add_argument("--json", action="store_true", help="as JSON, for scripts; the exit code tells as well")


def _add_use(commands: Any, shared: Parser) -> None:
    commands.add_parser("demo", help="a session with a real MCP client on the sandbox, step by step")

    apps = commands.add_parser("apps", help="show the pages for the chat in a browser, on the sandbox")
    apps.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")

    tools = commands.add_parser("tools", help="list the tools", parents=[shared])
    tools.add_argument("--json", action="store_true", help="as clients see them, with their schemas")

    call = commands.add_parser("call", help="call one tool and print its answer", parents=[shared])
    call.add_argument("tool", metavar="TOOL", help="name of the tool, e.g. capgo_list_apps")
    call.add_argument(
        "arguments", metavar="JSON", nargs="*", default=[], help="its arguments as a JSON object, in quotes"
    )
    call.add_argument("--json", action="store_true", help="as JSON in a terminal too, as it is elsewhere")

    watch = commands.add_parser("watch", help="follow a release until it ends", parents=[shared])
    watch.add_argument("app_id", metavar="APP_ID", help="app id, e.g. com.demo.app")
    watch.add_argument("version", metavar="VERSION", help="version of the bundle, e.g. 2.3.0")
    watch.add_argument("--every", metavar="TIME", default="5m", help="from one look to the next (default: %(default)s)")
    watch.add_argument("--until", metavar="SHARE", help="end well when so many of the devices run it, e.g. 95%%")
    watch.add_argument("--for", metavar="TIME", dest="lasting", help="end after this time in any case, e.g. 2h")
    watch.add_argument("--json", action="store_true", help="a line of JSON for each look, in a terminal too")


def _add_http(commands: Any, shared: Parser) -> None:
    http = commands.add_parser(
        "http",
        help="serve many clients over streamable HTTP, each with a Capgo key of its own",
        epilog=_wrapped(_HTTP_EPILOG.format(variables=_table(HTTP_VARIABLES))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared, _options(HTTP_OPTIONS)],
    )
    http.add_argument("--new-token", metavar="NAME", help="print a token for someone and its line for --bearer-tokens")


def _options(options: Sequence[Option]) -> Parser:
    """Options for a command; one that is not given leaves no trace, so that the environment counts."""
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    for option in options:
        shown = f"{option.help} (default: {option.default})" if option.default else option.help
        form = _form(option)
        shared.add_argument(option.flag, help=shown, **form)
        if option.former:
            shared.add_argument(flag_of(option.former), dest=option.name, help=argparse.SUPPRESS, **form)
    return shared


def _form(option: Option) -> dict[str, Any]:
    """What argparse has to know of an option's value."""
    if not option.metavar:
        return {"action": "store_true"}
    kind = type(option.default) if isinstance(option.default, int | float) else str
    return {"metavar": option.metavar, "type": kind, "choices": option.choices or None}
