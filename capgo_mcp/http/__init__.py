"""One server for a team, over HTTP: whose key, how many callers, how hard they may try."""
