"""What the client does unless it is told otherwise."""

from typing import Final

DEFAULT_URL: Final = "https://api.capgo.app"
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_RATE: Final = 100.0
