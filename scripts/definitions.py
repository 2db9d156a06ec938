"""Writes the definition of every tool, and removes those of tools that are no more: `python -m scripts.definitions`."""

from capgo_mcp.agent.definitions import FOLDER, as_text, generated
from capgo_mcp.catalog import every_tool


def main() -> None:
    """Write all files anew."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for kind in every_tool():
        (FOLDER / f"{kind.spec.name}.json").write_text(as_text(generated(kind)), encoding="utf-8")


if __name__ == "__main__":
    main()
