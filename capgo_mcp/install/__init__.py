"""Writes the server into the configuration of an MCP client, and takes it out again.

`clients` is the table of clients, `launch` says how the server is started, `jsonc` and `toml` edit text without
touching what they do not change, `files` reads and replaces files, `setup` brings these together for the command line.
"""
