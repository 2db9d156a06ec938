"""The official conformance suite, run against this server."""
