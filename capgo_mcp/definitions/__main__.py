"""`python -m capgo_mcp.definitions` writes the definition of every tool."""

from capgo_mcp.definitions import FOLDER, as_text, generated
from capgo_mcp.operations import every

for old in FOLDER.glob("*.json"):
    old.unlink()
for operation in every():
    (FOLDER / f"{operation.spec.name}.json").write_text(as_text(generated(operation)), encoding="utf-8")
