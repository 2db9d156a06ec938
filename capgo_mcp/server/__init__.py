"""The MCP server: tools, resources, prompts and completions, and the transport of one client."""
