"""What resources hold: reading one sends what the tool of the same purpose sends, through the same locks."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import mcp_types as t
from mcp import MCPError
from pydantic import ValidationError

from capgo_mcp.api.errors import CapgoError, NotAllowed, NotFound
from capgo_mcp.api.text import compact
from capgo_mcp.insights.bundles import bundle_named, newest_bundles
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.channels import GetChannel
from capgo_mcp.operations.devices import GetDevice
from capgo_mcp.safety.scope import OutOfScope
from capgo_mcp.server import apps
from capgo_mcp.server.resources import AN_HOUR, GUIDE, JSON, KINDS, MARKDOWN, Kind
from capgo_mcp.server.tools import Toolbox

log = logging.getLogger(__name__)

_HALF_A_MINUTE: Final = 30_000

Facts = dict[str, Any]


async def _app(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    return await toolbox.facts(GetApp(**values))


async def _channel(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    return await toolbox.facts(GetChannel(**values))


async def _device(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    return await toolbox.facts(GetDevice(**values))


async def _bundle(toolbox: Toolbox, values: Mapping[str, str]) -> Facts:
    app_id, version = values["app_id"], values["version"]
    return toolbox.shown(await bundle_named(toolbox, app_id, version, await newest_bundles(toolbox, app_id)))


READS: Final[Mapping[str, Callable[[Toolbox, Mapping[str, str]], Awaitable[Facts]]]] = {
    GetApp.spec.name: _app,
    GetChannel.spec.name: _channel,
    ListBundles.spec.name: _bundle,
    GetDevice.spec.name: _device,
}
"""How each kind of resource is read, by the tool it needs."""


async def read(uri: str, toolbox: Toolbox) -> t.ReadResourceResult:
    """The contents of a resource.

    Raises:
        MCPError: There is no such resource (-32602), or it could not be read (-32603); `data` holds the address.
    """
    if uri == GUIDE:
        text = (Path(__file__).parent / "api_traps.md").read_text(encoding="utf-8")
        return _contents(uri, MARKDOWN, text, ttl=AN_HOUR, scope="public")
    for page in apps.offered(toolbox):
        if uri == page.uri:
            return t.ReadResourceResult(contents=[page.contents()], ttl_ms=AN_HOUR, cache_scope="public")
    for kind in KINDS:
        values = kind.values(uri)
        # What the settings leave out is not there.
        if values is not None and kind.needs in toolbox:
            return _contents(uri, JSON, compact(await _facts(kind, uri, values, toolbox)))
    raise _error(t.INVALID_PARAMS, f"There is no resource {uri[:200]}.", uri)


async def _facts(kind: Kind, uri: str, values: Mapping[str, str], toolbox: Toolbox) -> Facts:
    try:
        return await READS[kind.needs](toolbox, values)
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
