"""The MCP server: tools, resources, prompts, completions and pages for the chat, and the transport of one client."""
