"""Every operation of the API: one module per area, and the module is the toolset.

A module listed here is a toolset; the operations declared in it are its tools, in the order they stand in. Those in
`events` and `recipients` are no tools by themselves: insights and previews are made from them.
"""

from types import ModuleType
from typing import Any, Final

from capgo_mcp.api.operation import Operation
from capgo_mcp.operations import (
    api_key_lookup,
    api_keys,
    app_settings,
    apps,
    audit,
    builds,
    bundles,
    channels,
    devices,
    members,
    native_usage,
    notifications,
    observe,
    organizations,
    policies,
    statistics,
    status,
    store,
    webhooks,
)

DEFAULT: Final = (apps, channels, bundles, devices, organizations, members, statistics, api_keys)
"""The documented API: on unless settings say otherwise."""

OPT_IN: Final = (
    webhooks,
    app_settings,
    policies,
    audit,
    native_usage,
    api_key_lookup,
    builds,
    notifications,
    observe,
    status,
    store,
)
"""Useful but undocumented: off unless settings ask for it."""


def toolset(module: ModuleType) -> str:
    """The name of the toolset that a module is."""
    return module.__name__.rpartition(".")[2]


def declared_in(module: ModuleType) -> list[type[Operation[Any]]]:
    """The operations that a module declares, in order."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Operation)
        and value.__module__ == module.__name__
        and hasattr(value, "spec")  # pydantic puts Operation[App] and its like into the module as well
    ]


def every() -> list[type[Operation[Any]]]:
    """Every operation, toolset by toolset."""
    return [operation for module in (*DEFAULT, *OPT_IN) for operation in declared_in(module)]
