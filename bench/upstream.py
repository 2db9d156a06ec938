"""A sandbox that never refuses a call for the number of calls, with a key for each of many callers."""

import sys
from typing import Final

import uvicorn

from capgo_mcp.sandbox import Limits, create_app, seeded
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_key
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, MIRA

CALLERS: Final = 128
APP: Final = DEMO_APP


def key(number: int) -> str:
    """The key of one of the callers."""
    return f"be4c0000-0000-4000-8000-{number:012d}"


def main() -> None:
    """Serve on the port that the command line names."""
    state = seeded()
    state.limits = Limits(key_window=0, device_window=0, same_channel_window=0, address_window=0)
    rights = [binding("org_super_admin", LIGHTHOUSE)]
    for number in range(CALLERS):
        row = new_key(state, f"Caller {number}", key(number), MIRA, rights)
        state.keys[row["id"]] = row
    uvicorn.run(create_app(state), port=int(sys.argv[1]), log_level="warning", timeout_keep_alive=600)


if __name__ == "__main__":
    main()
