"""Icons: small drawings that travel with what they stand for."""

from urllib.parse import unquote
from xml.etree import ElementTree as ET

import mcp_types as t
import pytest

from capgo_mcp.api.operation import Effect
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.server import icons
from tests.support.connected import Mode, connected, each_mode


@pytest.mark.parametrize("icon", [icons.SERVER, *icons.BY_EFFECT.values()])
def test_icons_are_plain_drawings(icon: t.Icon) -> None:
    """An icon is a whole SVG image in its address, with nothing that runs or is fetched."""
    kind, _, data = icon.src.partition(",")
    assert kind == "data:image/svg+xml"
    drawing = ET.fromstring(unquote(data))  # noqa: S314 - drawn in this project
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    allowed = {"svg", "circle", "path", "rect"}
    assert {element.tag.rpartition("}")[2] for element in drawing.iter()} <= allowed
    assert len(icon.src) < 1000


@each_mode
async def test_tools_show_what_they_do(capgo: Capgo, mode: Mode) -> None:
    """A person who is asked to approve a call sees by its icon whether it reads or deletes."""
    async with connected(capgo, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert client.server_info is not None
        assert client.server_info.icons == [icons.SERVER]
    assert tools["capgo_list_apps"].icons == [icons.BY_EFFECT[Effect.READ]]
    assert tools["capgo_delete_app"].icons == [icons.BY_EFFECT[Effect.DELETE]]
