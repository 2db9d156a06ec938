"""The tools as clients see them, generated from the operations ahead of time.

A client waits for the tool list at every start, and building thirty schemas would take longer than everything else
this package does until then. One file per tool also makes a change of contract show in the diff. `make definitions`
writes the files; a test compares them with what the operations say now.
"""

from pathlib import Path
from typing import Final

import mcp_types as t

FOLDER: Final = Path(__file__).parent


def stored(name: str) -> t.Tool:
    """The definition of a tool that was written ahead of time.

    Raises:
        FileNotFoundError: It was not: the operation is being written.
    """
    return t.Tool.model_validate_json((FOLDER / f"{name}.json").read_bytes())
