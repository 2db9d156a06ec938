"""The files of recorded answers, documented operations, schemas and clients' configurations."""

from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parents[1] / "data"
