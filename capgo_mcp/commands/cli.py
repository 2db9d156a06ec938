"""The command line: reads what was typed and runs the command.

Imports are late on purpose: a client waits for the server to start, and each command needs only a part.
"""

import argparse
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from capgo_mcp.commands.parser import parser
from capgo_mcp.config.garbage import collect_seldom
from capgo_mcp.config.logs import Logs
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import API, LOG_LEVEL, OPTIONS, SettingsError, values, within

if TYPE_CHECKING:
    from capgo_mcp.config.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    # Importing the SDK builds hundreds of pydantic models; collecting garbage between them is wasted time, and so is
    # reading the metadata of every installed package in search of pydantic's plugins.
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        options = parser().parse_args(arguments)
        _logs(options).start()
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
    except SettingsError as error:
        print(f"capgo-mcp: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("capgo-mcp: stopped.", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read the output has seen enough
        # At its end Python writes what is left in stdout, and would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _logs(options: argparse.Namespace) -> Logs:
    """What is logged: what somebody asked for, and between the lines that a person looks at nothing else."""
    given = values(vars(options), os.environ)
    asked = LOG_LEVEL.is_given(vars(options), os.environ)
    looked_at = options.command in ("call", "watch") and sys.stdout.isatty()
    return Logs("WARNING" if looked_at and not asked else given["log_level"], given["log_format"])


def _settings(options: argparse.Namespace) -> "Settings":
    from capgo_mcp.config.settings import Settings  # noqa: PLC0415 - see the module's docstring

    return Settings.read(vars(options))


def _run(function: Any, *arguments: Any) -> Any:
    """Run an async function."""
    import anyio  # noqa: PLC0415 - see the module's docstring

    collect_seldom()
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
    from capgo_mcp.http.settings import HttpSettings  # noqa: PLC0415 - see the module's docstring

    settings = _settings(options)
    http = HttpSettings.read(vars(options), settings)
    collect_seldom()
    serve(settings, http, _logs(options))
    print("capgo-mcp: stopped.", file=sys.stderr)
    return 0


def _tools(options: argparse.Namespace) -> int:
    from capgo_mcp.server.selection import chosen  # noqa: PLC0415 - see the module's docstring

    definitions = [tool.definition() for tool in chosen(_settings(options))]
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

    settings = _settings(options)
    return int(_run(partial(call, settings, options.tool, options.arguments, as_json=options.json)))


def _watch(options: argparse.Namespace) -> int:
    from capgo_mcp.commands.watch import LEAST_SECONDS, Watch, duration, share, watch  # noqa: PLC0415 - as above

    every = duration(options.every, "--every")
    if every < LEAST_SECONDS:
        raise SettingsError(f"--every must be at least {LEAST_SECONDS}s.")
    asked = Watch(
        options.app_id,
        options.version,
        every,
        share(options.until, "--until") if options.until else None,
        duration(options.lasting, "--for") if options.lasting else None,
    )
    return int(_run(partial(watch, _settings(options), asked, as_json=options.json)))


def _demo(_: argparse.Namespace) -> int:
    from capgo_mcp.commands.demo import demo  # noqa: PLC0415 - see the module's docstring

    return int(_run(demo))


def _apps(options: argparse.Namespace) -> int:
    from capgo_mcp.commands.apps import show  # noqa: PLC0415 - see the module's docstring
    from capgo_mcp.config.listener import LAST_PORT  # noqa: PLC0415 - as above
    from capgo_mcp.config.settings import Settings  # noqa: PLC0415 - as above

    # A person who clicks through the pages would wait for the pace of requests.
    show(
        Settings.read({"sandbox": True, "rate": 10_000.0}), Machine.here(), within(0, options.port, LAST_PORT, "--port")
    )
    print("capgo-mcp: stopped.", file=sys.stderr)
    return 0


def _sandbox(options: argparse.Namespace) -> int:
    import uvicorn  # noqa: PLC0415 - see the module's docstring

    from capgo_mcp.api.behaviour import Behaviour  # noqa: PLC0415 - as above
    from capgo_mcp.config.listener import LAST_PORT, address_of, listening  # noqa: PLC0415 - as above
    from capgo_mcp.sandbox import ADMIN_KEY, DEVELOPER_KEY, READER_KEY, create_app, seeded  # noqa: PLC0415 - as above

    behaviour = Behaviour(API.value(vars(options), os.environ))
    server = uvicorn.Server(uvicorn.Config(create_app(seeded(behaviour=behaviour)), log_level="warning"))
    with listening(options.host, within(0, options.port, LAST_PORT, "--port")) as listener:
        print(
            f"Capgo sandbox on {address_of(listener)}, in memory, gone when it stops. Sign in with capgo-mcp login, "
            "or use a key:",
            file=sys.stderr,
        )
        for role, key in (("admin", ADMIN_KEY), ("developer", DEVELOPER_KEY), ("reader", READER_KEY)):
            print(f"  {role:10} {key}", file=sys.stderr)
        with suppress(KeyboardInterrupt):
            server.run([listener])
    print("capgo-mcp: stopped.", file=sys.stderr)
    return 0


def _completion(options: argparse.Namespace) -> int:
    from capgo_mcp.commands.completion import completion  # noqa: PLC0415 - see the module's docstring

    print(completion(parser(), options.shell))
    return 0


def _install(options: argparse.Namespace) -> int:
    from capgo_mcp.install import clients, launch, setup  # noqa: PLC0415 - see the module's docstring

    if options.client is None:
        return setup.overview(Machine.here())
    flags = {option.name: vars(options)[option.name] for option in OPTIONS if option.name in options}
    return setup.install(
        clients.named(options.client),
        Machine.here(),
        launch.this_program(),
        flags,
        write_key=options.write_key,
        replace=options.replace,
        dry_run=options.dry_run,
    )


def _uninstall(options: argparse.Namespace) -> int:
    from capgo_mcp.install import clients, setup  # noqa: PLC0415 - see the module's docstring

    return setup.uninstall(clients.named(options.client), Machine.here(), dry_run=options.dry_run)


def _login(options: argparse.Namespace) -> int:
    from capgo_mcp.commands.login import LoginWays, login  # noqa: PLC0415 - see the module's docstring

    ways = LoginWays(options.paste or options.no_check, not options.no_browser, options.file, not options.no_check)
    return login(Machine.here(), ways)


def _logout(_: argparse.Namespace) -> int:
    from capgo_mcp.commands.login import logout  # noqa: PLC0415 - see the module's docstring

    return logout(Machine.here())


def _doctor(options: argparse.Namespace) -> int:
    from capgo_mcp.doctor import doctor  # noqa: PLC0415 - see the module's docstring

    return int(_run(partial(doctor, _settings(options), Machine.here(), as_json=options.json)))


COMMANDS: Final[Mapping[str | None, Callable[[argparse.Namespace], int]]] = {
    None: _serve,
    "install": _install,
    "uninstall": _uninstall,
    "login": _login,
    "logout": _logout,
    "doctor": _doctor,
    "demo": _demo,
    "tools": _tools,
    "call": _call,
    "watch": _watch,
    "apps": _apps,
    "http": _http,
    "sandbox": _sandbox,
    "completion": _completion,
}
"""What each command runs; without one, the server of a single client."""
