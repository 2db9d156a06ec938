"""Resources: apps, channels, bundles and devices by address, and what surprises people about the API.

    capgo://apps/com.demo.app/channels/production

Reading one sends what the tool of the same purpose sends, through the same locks.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote_to_bytes

import mcp_types as t
from mcp import MCPError
from pydantic import ValidationError

from capgo_mcp.agent.render import compact
from capgo_mcp.api.errors import CapgoError, NotAllowed, NotFound
from capgo_mcp.api.operation import Declared
from capgo_mcp.insights.bundles import bundle_named, newest_bundles
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.channels import GetChannel
from capgo_mcp.operations.devices import GetDevice
from capgo_mcp.safety.scope import OutOfScope
from capgo_mcp.server import apps
from capgo_mcp.server.tools import Toolbox

log = logging.getLogger(__name__)

GUIDE: Final = "capgo://guide/api-traps"

_JSON: Final = "application/json"
_MARKDOWN: Final = "text/markdown"
_AN_HOUR: Final = 3_600_000
_HALF_A_MINUTE: Final = 30_000

Facts = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of resource: its address, what to say about it, and how to read one."""

    template: str
    title: str
    description: str
    needs: type[Declared[Any]]
    """The tool that must be there for it."""
    read: Callable[[Toolbox, Mapping[str, str]], Awaitable[Facts]]

    def values(self, uri: str) -> dict[str, str] | None:
        """What stands in an address for the names of the template; None when it is not of this kind."""
        # Taken apart before it is decoded: a quoted slash belongs to the name.
        match = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/?#]+)", self.template), uri)
        if match is None:
            return None
        try:
            return {name: unquote_to_bytes(part).decode() for name, part in match.groupdict().items()}
        except UnicodeDecodeError:
            return None


async def _app(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    return await toolbox.facts(GetApp(**values))


async def _channel(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    return await toolbox.facts(GetChannel(**values))


async def _device(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    return await toolbox.facts(GetDevice(**values))


async def _bundle(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    app_id, version = values["app_id"], values["version"]
    return toolbox.shown(await bundle_named(toolbox, app_id, version, await newest_bundles(toolbox, app_id)))


KINDS: Final = (
    Kind("capgo://apps/{app_id}", "App", "An app and its settings.", GetApp, _app),
    Kind(
        "capgo://apps/{app_id}/channels/{channel}",
        "Channel",
        "A channel: the bundle it serves, rollout and update rules.",
        GetChannel,
        _channel,
    ),
    Kind(
        "capgo://apps/{app_id}/bundles/{version}",
        "Bundle",
        "A bundle by its version name.",
        ListBundles,
        _bundle,
    ),
    Kind(
        "capgo://apps/{app_id}/devices/{device_id}",
        "Device",
        "A device: the bundle it runs and the channel it is pinned to.",
        GetDevice,
        _device,
    ),
)
"""Every kind of resource with an address of its own."""

_TRAPS: Final = t.Resource(
    uri=GUIDE,
    name="api-traps",
    title="What surprises people about the Capgo API",
    description="Units, silent side effects and misleading answers of the Capgo API. Read before changing much.",
    mime_type=_MARKDOWN,
)


def listed() -> list[t.Resource]:
    """The resources that exist without an account."""
    return [_TRAPS]


def templates(tools: Collection[str]) -> list[t.ResourceTemplate]:
    """The addresses that can be read with these tools."""
    return [
        t.ResourceTemplate(
            uri_template=kind.template,
            name=kind.title.lower(),
            title=kind.title,
            description=kind.description,
            mime_type=_JSON,
        )
        for kind in KINDS
        if kind.needs.spec.name in tools
    ]


async def read(uri: str, toolbox: Toolbox) -> t.ReadResourceResult:
    """The contents of a resource.

    Raises:
        MCPError: There is no such resource (-32602), or it could not be read (-32603); `data` holds the address.
    """
    if uri == GUIDE:
        text = (Path(__file__).parent / "api_traps.md").read_text(encoding="utf-8")
        return _contents(uri, _MARKDOWN, text, ttl=_AN_HOUR, scope="public")
    for page in apps.PAGES:
        if uri == page.uri and any(tool in toolbox for tool in page.tools):
            return t.ReadResourceResult(contents=[page.contents()], ttl_ms=_AN_HOUR, cache_scope="public")
    for kind in KINDS:
        values = kind.values(uri)
        # What the settings leave out is not there.
        if values is not None and kind.needs.spec.name in toolbox:
            return _contents(uri, _JSON, compact(await _facts(kind, uri, values, toolbox)))
    raise _error(t.INVALID_PARAMS, f"There is no resource {uri[:200]}.", uri)


async def _facts(kind: Kind, uri: str, values: Mapping[str, str], toolbox: Toolbox) -> Facts:
    try:
        return await kind.read(toolbox, values)
    except ValidationError:
        raise _error(t.INVALID_PARAMS, f"The address has not the form {kind.template}.", uri) from None
    except (NotFound, NotAllowed, OutOfScope) as error:  # Capgo answers alike to what is missing and what is forbidden
        raise _error(t.INVALID_PARAMS, str(error), uri) from error
    except CapgoError as error:
        raise _error(t.INTERNAL_ERROR, str(error), uri) from error
    except Exception:
        log.exception("%s could not be read", kind.template)
        raise _error(t.INTERNAL_ERROR, "Reading failed inside this server; its log says where.", uri) from None


def _error(code: int, message: str, uri: str) -> MCPError:
    return MCPError(code=code, message=message, data={"uri": uri})


def _contents(
    uri: str, mime_type: str, text: str, ttl: int = _HALF_A_MINUTE, scope: Literal["public", "private"] = "private"
) -> t.ReadResourceResult:
    return t.ReadResourceResult(
        contents=[t.TextResourceContents(uri=uri, mime_type=mime_type, text=text)], ttl_ms=ttl, cache_scope=scope
    )
