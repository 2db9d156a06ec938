"""`python -m capgo_mcp.agent.definitions` writes the definition of every tool."""

from capgo_mcp.agent.definitions import FOLDER, as_text, generated
from capgo_mcp.catalog import every_tool

for old in FOLDER.glob("*.json"):
    old.unlink()
for kind in every_tool():
    (FOLDER / f"{kind.spec.name}.json").write_text(as_text(generated(kind)), encoding="utf-8")
