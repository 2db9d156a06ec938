"""`python -m capgo_mcp.definitions` writes the definition of every tool."""

from capgo_mcp.catalog import every_tool
from capgo_mcp.definitions import FOLDER, as_text, generated

for old in FOLDER.glob("*.json"):
    old.unlink()
for kind in every_tool():
    (FOLDER / f"{kind.spec.name}.json").write_text(as_text(generated(kind)), encoding="utf-8")
