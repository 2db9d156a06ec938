"""The command line: serves, lists and calls the tools, runs the demo and the sandbox.

Imports are late on purpose: a client waits for the server to start, and each command needs only a part.
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from capgo_mcp import __version__
from capgo_mcp.commands import setup as setup_commands
from capgo_mcp.config.logs import Logs
from capgo_mcp.config.options import (
    HTTP_OPTIONS,
    HTTP_VARIABLES,
    OPTIONS,
    VARIABLES,
    Option,
    SettingsError,
    flag_of,
    values,
)

if TYPE_CHECKING:
    from capgo_mcp.config.settings import Settings

_ABOUT: Final = """\
MCP server for Capgo: lets an agent see devices, move channels and clean up bundles.

Without a command it serves MCP over stdin and stdout, which is how clients such as
Claude Desktop start it. The other commands are for people:
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

Clients send their key in the header X-Capgo-Api-Key, to http://127.0.0.1:8000/mcp
unless --host and --port say otherwise.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    # Importing the SDK builds hundreds of pydantic models; collecting garbage between them is wasted time, and so is
    # reading the metadata of every installed package in search of pydantic's plugins.
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        _logs(options).start()
        command: int = options.run(options)
        sys.stdout.flush()
    except SettingsError as error:
        print(f"capgo-mcp: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return command


def _parser() -> argparse.ArgumentParser:
    shared = _options(OPTIONS)
    parser = argparse.ArgumentParser(
        "capgo-mcp",
        description=_ABOUT,
        epilog=_EPILOG.format(variables="\n".join(f"  {name:20}{what}" for name, what in VARIABLES.items())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    parser.add_argument("--version", action="version", version=f"capgo-mcp {__version__}")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    setup_commands.add_to(commands, shared)

    demo = commands.add_parser("demo", help="a session with a real MCP client on the sandbox, step by step")
    demo.set_defaults(run=_demo)

    tools = commands.add_parser("tools", help="list the tools", parents=[shared])
    tools.add_argument("--json", action="store_true", help="as clients see them, with their schemas")
    tools.set_defaults(run=_tools)

    _add_http(commands, shared)

    call = commands.add_parser("call", help="call one tool and print its answer", parents=[shared])
    call.add_argument("tool", metavar="TOOL", help="name of the tool, e.g. capgo_list_apps")
    call.add_argument("arguments", metavar="JSON", nargs="?", default="{}", help="its arguments as a JSON object")
    call.set_defaults(run=_call)

    sandbox = commands.add_parser("sandbox", help="serve the sandbox over HTTP, to use as CAPGO_API_URL")
    sandbox.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    sandbox.add_argument("--port", type=int, default=8787, help="port to listen on (default: %(default)s)")
    sandbox.set_defaults(run=_sandbox)
    return parser


def _add_http(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    http = commands.add_parser(
        "http",
        help="serve many clients over streamable HTTP, each with a Capgo key of its own",
        epilog=_HTTP_EPILOG.format(variables="\n".join(f"  {name}  {what}" for name, what in HTTP_VARIABLES.items())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared, _options(HTTP_OPTIONS)],
    )
    http.add_argument("--new-token", metavar="NAME", help="print a token for someone and its line for --bearer-tokens")
    http.set_defaults(run=_http)


def _options(options: Sequence[Option]) -> argparse.ArgumentParser:
    """Options for a command; one that is not given leaves no trace, so that the environment counts."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
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


def _logs(options: argparse.Namespace) -> Logs:
    given = values(vars(options), os.environ)
    return Logs(given["log_level"], given["log_format"])


def _settings(options: argparse.Namespace) -> "Settings":
    from capgo_mcp.config.settings import Settings  # noqa: PLC0415 - see the module's docstring

    return Settings.read(vars(options))


def _run(function: Any, *arguments: Any) -> Any:
    """Run an async function; what was imported up to now stays for good and is no garbage to look through."""
    import anyio  # noqa: PLC0415 - see the module's docstring

    gc.enable()
    gc.freeze()
    return anyio.run(function, *arguments)


def _serve(options: argparse.Namespace) -> int:
    from capgo_mcp.server.stdio import serve  # noqa: PLC0415 - see the module's docstring

    settings = _settings(options)
    if sys.stdin.isatty():
        print("Serving MCP on stdin and stdout; a client should start this. See capgo-mcp --help.", file=sys.stderr)
    _run(serve, settings)
    return 0


def _http(options: argparse.Namespace) -> int:
    if options.new_token is not None:
        from capgo_mcp.http.authentication import new_token  # noqa: PLC0415 - see the module's docstring

        token, line = new_token(options.new_token)
        print(f"For {options.new_token}, shown only now:      {token}")
        print(f"For the file of --bearer-tokens:  {line}")
        return 0
    from capgo_mcp.http.serve import serve  # noqa: PLC0415 - see the module's docstring
    from capgo_mcp.http.settings import Service  # noqa: PLC0415 - see the module's docstring

    settings = _settings(options)
    service = Service.read(vars(options), settings)
    gc.enable()
    gc.freeze()
    serve(settings, service, _logs(options))
    return 0


def _tools(options: argparse.Namespace) -> int:
    from capgo_mcp.server.tools import Toolbox  # noqa: PLC0415 - see the module's docstring

    settings = _settings(options)
    definitions = Toolbox(settings.connect(), settings).definitions()
    if options.json:
        print(json.dumps([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in definitions]))
        return 0
    if not definitions:
        raise SettingsError("these settings leave no tool.")
    width = max(len(tool.name) for tool in definitions)
    for tool in definitions:
        print(f"{tool.name:{width}}  {(tool.description or '').splitlines()[0]}")
    return 0


def _call(options: argparse.Namespace) -> int:
    from capgo_mcp.commands.call import call  # noqa: PLC0415 - see the module's docstring

    return int(_run(call, _settings(options), options.tool, options.arguments))


def _demo(_: argparse.Namespace) -> int:
    from capgo_mcp.commands.demo import demo  # noqa: PLC0415 - see the module's docstring

    return int(_run(demo))


def _sandbox(options: argparse.Namespace) -> int:
    import uvicorn  # noqa: PLC0415 - see the module's docstring

    from capgo_mcp.sandbox import ADMIN_KEY, DEVELOPER_KEY, READER_KEY, create_app  # noqa: PLC0415 - as above

    print(
        f"Capgo sandbox on http://{options.host}:{options.port}, in memory, gone when it stops. Keys:", file=sys.stderr
    )
    for role, key in (("admin", ADMIN_KEY), ("developer", DEVELOPER_KEY), ("reader", READER_KEY)):
        print(f"  {role:10} {key}", file=sys.stderr)
    uvicorn.run(create_app(), host=options.host, port=options.port, log_level="warning")
    return 0
