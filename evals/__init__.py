"""How well small models find and call the tools, measured offline: `make evals`.

`requests.json` holds what people ask, with the call that answers it. Two models judge: an embedding model that ranks
the tools by name and description, as clients with a tool search do, and a tool-calling model of 35 MB that gets the six
best-ranked ones. What they get right, larger models do as well.
"""
