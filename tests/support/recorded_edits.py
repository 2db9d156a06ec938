"""The recorded sequences of writes to a channel, read with the words of the model."""

import json
from collections.abc import Iterator
from typing import Any, Final

from capgo_mcp.api.channel_edit import ChannelRow, Edit
from tests.support.data import DATA

Facts = dict[str, Any]

SEQUENCES: Final[list[Facts]] = [json.loads(line) for line in (DATA / "rollouts.jsonl").read_text("utf-8").splitlines()]


def recorded_edit(request: Facts) -> Edit:
    """What a recorded request says."""
    if request["method"] == "PUT":
        return Edit(version=request["body"]["version_id"])
    return Edit.model_validate(request["body"])


def changes() -> Iterator[tuple[str, ChannelRow, Edit]]:
    """Every recorded write to a channel that existed: where it stands, the row before it, and what it says."""
    for sequence in SEQUENCES:
        before: Facts | None = None
        for number, step in enumerate(sequence["steps"]):
            if before is not None:
                yield f"{sequence['n']}.{number}", ChannelRow.model_validate(before), recorded_edit(step["request"])
            before = step["channel_after"]
