"""Pages that a client shows in the chat beside the answer of a tool, where it can (MCP Apps).

Each page draws the answers of a few tools; all are made from one shared script and style in `pages/` and a small part
of their own, and hold no data: the client hands them the same answer that the agent reads.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import mcp_types as t

from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import ENTRIES

EXTENSION: Final = "io.modelcontextprotocol/ui"
MIME_TYPE: Final = "text/html;profile=mcp-app"
SOURCE: Final = Path(__file__).parent / "pages"

_META: Final[dict[str, Any]] = {
    "ui": {"csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": []}, "prefersBorder": True}
}
"""What a client is told of a page: it needs nothing from any network."""


@dataclass(frozen=True)
class AppPage:
    """A page: what it is called, what it shows, and whose answers."""

    name: str
    title: str
    description: str
    tools: frozenset[str]
    """The names of the tools whose answers it shows."""

    @property
    def uri(self) -> str:
        """Where clients read it."""
        return f"ui://capgo/{self.name}"

    def resource(self) -> t.Resource:
        """The page as it is listed."""
        return t.Resource(
            uri=self.uri,
            name=self.name,
            title=self.title,
            description=self.description,
            mime_type=MIME_TYPE,
            meta=_META,
        )

    def contents(self) -> t.TextResourceContents:
        """The page as it is read."""
        return t.TextResourceContents(uri=self.uri, mime_type=MIME_TYPE, text=html(self), meta=_META)


PAGES: Final = (
    AppPage(
        "fleet",
        "Devices",
        "How many devices run which version, platform or build.",
        frozenset({"capgo_summarize_devices"}),
    ),
    AppPage(
        "adoption",
        "Adoption",
        "The share of devices on each bundle, by day.",
        frozenset({"capgo_get_bundle_usage"}),
    ),
    AppPage(
        "release",
        "Release",
        "Who gets a release, whether it fails, what stands in its way, and what to do next.",
        frozenset({"capgo_get_release_status", "capgo_get_update_health", "capgo_plan_release"}),
    ),
    AppPage(
        "consent",
        "Consent",
        "What would be deleted and what stays, and an answer through the chat.",
        frozenset(entry.name for entry in ENTRIES.values() if entry.effect is Effect.DELETE),
    ),
)
"""Every page, in the order in which they are listed."""

OF_TOOLS: Final = {name: page for page in PAGES for name in page.tools}
"""The page of each tool that has one."""


def shown_by(capabilities: t.ClientCapabilities | None) -> bool:
    """Whether a client has said that it shows such pages."""
    settings = ((capabilities and capabilities.extensions) or {}).get(EXTENSION)
    return settings is not None and MIME_TYPE in (settings.get("mimeTypes") or ())


def linked(tool: t.Tool) -> t.Tool:
    """A tool as a client sees it that shows pages: with the address of its page, if it has one.

    Nothing but the model may call it: a client refuses it to a page.
    """
    page = OF_TOOLS.get(tool.name)
    if page is None:
        return tool
    return tool.model_copy(update={"meta": {"ui": {"resourceUri": page.uri, "visibility": ["model"]}}})


def offered(tools: Iterable[str]) -> list[AppPage]:
    """The pages that these tools have."""
    return [page for page in PAGES if not page.tools.isdisjoint(tools)]


@cache
def html(page: AppPage) -> str:
    """A whole page, which allows no script and no style but its own, and no request at all."""
    style = _read("shared.css")
    script = "\n".join(map(_read, ("shared.js", "charts.js", f"{page.name}.js")))
    return (
        _read("page.html")
        .replace("{{title}}", page.title)
        .replace("{{style-hash}}", _hash(style))
        .replace("{{script-hash}}", _hash(script))
        .replace("{{style}}", style)
        .replace("{{script}}", script)
    )


def _read(name: str) -> str:
    return (SOURCE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a content security policy calls an inline script or style by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
