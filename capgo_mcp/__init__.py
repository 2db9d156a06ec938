"""An MCP server and typed Python client for the Capgo API."""

__version__ = "0.1.0"
