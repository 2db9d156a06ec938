"""Writes the definition of every tool, and removes those of tools that are no more: `python -m scripts.definitions`."""

import json

import mcp_types as t

from capgo_mcp import catalog
from capgo_mcp.agent.definitions import FOLDER
from capgo_mcp.agent.generated import generated


def as_text(tool: t.Tool) -> str:
    """A definition as its file holds it."""
    return (
        json.dumps(tool.model_dump(mode="json", by_alias=True, exclude_none=True), indent=2, ensure_ascii=False) + "\n"
    )


def main() -> None:
    """Write all files anew."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for kind in catalog.every_tool():
        (FOLDER / f"{kind.spec.name}.json").write_text(as_text(generated(kind)), encoding="utf-8")
    catalog.STORED.write_text(catalog.as_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
