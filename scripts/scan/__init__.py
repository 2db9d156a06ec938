"""Scanners that others wrote, run against the server on its sandbox: each in an environment of its own, offline.

`python -m scripts.scan` fails on a finding that `explained.toml` does not explain, and on an explanation of nothing.
"""
