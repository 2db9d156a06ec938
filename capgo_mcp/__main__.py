"""`python -m capgo_mcp` is `capgo-mcp`."""

import sys

from capgo_mcp.commands.cli import main

sys.exit(main())
