"""Icons, drawn here and carried along as data: no client fetches anything to show them."""

from typing import Final
from urllib.parse import quote

import mcp_types as t

from capgo_mcp.api.operation import Effect

_SVG: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{color}" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round">{shapes}</svg>'
)


def _drawn(color: str, shapes: str) -> t.Icon:
    svg = _SVG.format(color=color, shapes=shapes)
    # Quoted, because at the # of a colour the address would end.
    return t.Icon(src=f"data:image/svg+xml,{quote(svg, safe='')}", mime_type="image/svg+xml", sizes=["any"])


SERVER: Final = _drawn("#3b82f6", '<rect x="7" y="2" width="10" height="20" rx="2"/><path d="M12 16V8M9 11l3-3 3 3"/>')
"""A phone that receives an update."""

BY_EFFECT: Final = {
    Effect.READ: _drawn("#64748b", '<circle cx="11" cy="11" r="6"/><path d="M16 16l5 5"/>'),
    Effect.CREATE: _drawn("#16a34a", '<path d="M12 5v14M5 12h14"/>'),
    Effect.CHANGE: _drawn("#d97706", '<path d="M4 20l1-5L16 4l4 4L9 19z"/>'),
    Effect.DELETE: _drawn("#dc2626", '<path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13"/>'),
}
"""A magnifying glass, a plus, a pencil and a bin: what a tool does, at a glance."""
