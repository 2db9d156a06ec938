"""The commands that set the server up, as the command line knows them: each imports its part when it runs."""

import argparse
from functools import partial
from typing import Any, Final

from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import OPTIONS

_CLIENTS: Final = "claude-desktop, claude-code, cursor, vscode, windsurf, codex, gemini, copilot, zed or opencode"


def add_to(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the commands to the command line.

    Args:
        commands: What `add_subparsers` returned.
        shared: The options of the server.
    """
    install = commands.add_parser(
        "install", help="add the server, with the options given here, to an MCP client", parents=[shared]
    )
    install.add_argument("client", metavar="CLIENT", nargs="?", help=f"{_CLIENTS}; without it, tell which are here")
    install.add_argument("--write-key", action="store_true", help="write the API key itself into the client's file")
    install.set_defaults(run=_install)

    uninstall = commands.add_parser("uninstall", help="take it out of a client again")
    uninstall.add_argument("client", metavar="CLIENT", help=_CLIENTS)
    uninstall.set_defaults(run=_uninstall)
    for command in (install, uninstall):
        command.add_argument("--dry-run", action="store_true", help="only show what would change")

    login = commands.add_parser("login", help="save an API key, in the system's keyring or in a private file")
    login.add_argument("--file", action="store_true", help="save it in the file, even where there is a keyring")
    login.set_defaults(run=_login)
    commands.add_parser("logout", help="forget the saved key").set_defaults(run=_logout)

    doctor = commands.add_parser("doctor", help="check key, network, rights and clients", parents=[shared])
    doctor.add_argument("--json", action="store_true", help="as JSON, for scripts; the exit code tells as well")
    doctor.set_defaults(run=_doctor)


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
        dry_run=options.dry_run,
    )


def _uninstall(options: argparse.Namespace) -> int:
    from capgo_mcp.install import clients, setup  # noqa: PLC0415 - see the module's docstring

    return setup.uninstall(clients.named(options.client), Machine.here(), dry_run=options.dry_run)


def _login(options: argparse.Namespace) -> int:
    from capgo_mcp.commands.login import login  # noqa: PLC0415 - see the module's docstring

    return login(Machine.here(), in_file=options.file)


def _logout(_: argparse.Namespace) -> int:
    from capgo_mcp.commands.login import logout  # noqa: PLC0415 - see the module's docstring

    return logout(Machine.here())


def _doctor(options: argparse.Namespace) -> int:
    import anyio  # noqa: PLC0415 - see the module's docstring

    from capgo_mcp.config.settings import Settings  # noqa: PLC0415 - as above
    from capgo_mcp.doctor import doctor  # noqa: PLC0415 - as above

    settings = Settings.read(vars(options))
    return anyio.run(partial(doctor, settings, Machine.here(), as_json=options.json))
