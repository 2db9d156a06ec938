"""What the words of the API are: operations, fields, answers, errors. No I/O, no MCP."""
