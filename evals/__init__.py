"""How well the tools serve an agent: whether a search finds them, and what a job takes in calls and tokens.

`search` ranks the tools for the requests of `requests.jsonl` as clients with a tool search do; `jobs` plays scripted
release jobs on the sandbox. Neither needs a model: `python -m evals`. `make evals` adds a ranking by a small embedding
model and the tools of other servers.
"""
