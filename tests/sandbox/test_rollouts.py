"""The sandbox changes channels as the real backend did, write by write."""

import json
from typing import Any

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import ADMIN_KEY, Limits, create_app, seeded
from tests.support.data import DATA

APP = "com.demo.app"
BUNDLES = {f"b{index}": f"1.0.{index}" for index in range(6)}
SEQUENCES: list[dict[str, Any]] = [
    json.loads(line) for line in (DATA / "rollouts.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: str(sequence["n"]))
async def test_a_channel_goes_the_recorded_way(sequence: dict[str, Any]) -> None:
    """Each write of a sequence gets the recorded answer and leaves the recorded row."""
    state = seeded(behaviour=Behaviour.JULY)
    state.limits = Limits(key_window=0)
    names = {bundle["id"]: bundle["name"] for bundle in state.bundles.values() if bundle["app_id"] == APP}
    spoken = {name: stand_in for stand_in, name in BUNDLES.items()}
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="https://sandbox.example.com") as client:
        for step in sequence["steps"]:
            body = sent(step["request"]["body"], {name: number for number, name in names.items()}, state)
            answer = await client.request(
                step["request"]["method"], step["request"]["path"], json=body, headers={"capgkey": ADMIN_KEY}
            )
            told = step["response"]
            assert (answer.status_code, answer.json().get("error")) == (told["status"], told.get("error"))
            row = state.channel_named(APP, "recorded")
            assert seen(row, names, spoken, step["channel_after"]) == step["channel_after"]


def sent(body: dict[str, Any], ids: dict[str, int], state: Any) -> dict[str, Any]:
    """A recorded body, with what its stand-ins stand for."""
    body = {name: BUNDLES.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    replaced: dict[str, Any] = {"app_id": APP, "channel": "recorded"}
    if "version_id" in body:
        channel = state.channel_named(APP, "recorded") or {"id": 0}
        replaced = {"app_id": APP, "version_id": ids[body["version_id"]], "channel_id": channel["id"]}
    return {name: replaced.get(name, value) for name, value in body.items()}


def seen(row: Any, names: dict[int, str], spoken: dict[str, str], like: Any) -> Any:
    """A row as it was recorded: bundles by their stand-ins, a pause as set or not."""
    if row is None or like is None:
        return row
    shown = {name: row[name] for name in like}
    for column in ("version", "rollout_version"):
        shown[column] = shown[column] and spoken[names[shown[column]]]
    return shown | {"rollout_paused_at": shown["rollout_paused_at"] and "set"}
