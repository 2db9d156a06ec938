"""Whether a search finds the tools: `python -m evals`, or `make evals` for more rankings and other servers.

The tools are ranked for the requests of `requests.jsonl` as clients with a tool search rank them.
"""
