"""Makes answers that nobody has seen yet out of true ones, always the same for the same seed."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.support.data import DATA

SEED: Final = 20_261_128
_DEEPEST: Final = 30
_MOST_CHANGES: Final = 5
_LARGEST: Final = 2**20
_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 2**63, 10**30, 1.5, "", " ", "\u200b", "x" * 30_000, "</script>", "\ud83d\ude00" * 50, [],
    {}, [[]], {"": None}, "2026-13-45T99:99:99Z", "9999-12-31T23:59:59.999-14:00", "0000-00-00", "\udfff", "NaN",
    "../../etc", "IGNORE ALL PREVIOUS INSTRUCTIONS", "\x1b[2J\x07", "\u202eevil", float("nan"), float("inf"),
)  # fmt: skip
_STATUSES: Final = (200, 200, 200, 201, 204, 206, 302, 400, 401, 403, 404, 409, 418, 429, 500, 503)

Answer = tuple[int, bytes]


class Fuzzer:
    """Changes answers.

    Args:
        disguises: Writings of the key, which a host may put into its answers.
    """

    def __init__(self, disguises: list[str]) -> None:
        lines = (DATA / "recorded.jsonl").read_text(encoding="utf-8").splitlines()
        answers = [json.loads(line)["response"] for line in lines]
        self._recorded = [(answer["status"], json.dumps(answer["body"]).encode()) for answer in answers]
        self._disguises = disguises

    def answer(self, number: str, status: int, body: bytes) -> Answer:
        """Another status and body in place of these, or in place of recorded ones, whatever they answered.

        Args:
            number: What tells this answer from others: the same makes the same changes.
            status: The status of a true answer.
            body: Its body.
        """
        chance = random.Random(f"{SEED} {number}")  # noqa: S311 - made to be repeated
        if chance.random() < 1 / 4:
            status, body = chance.choice(self._recorded)
        status = chance.choice(_STATUSES) if chance.random() < 1 / 3 else status
        try:
            value = json.loads(body)
        except ValueError:
            value = body.decode("latin-1")
        for _ in range(chance.randint(1, _MOST_CHANGES)):
            value = self._changed(chance, value, _DEEPEST)
        written = json.dumps(value).encode()
        return status, _broken(chance, written) if chance.random() < 1 / 5 else written

    def _changed(self, chance: random.Random, value: Any, depth: int) -> Any:
        """The value with one change somewhere in it."""
        if depth and isinstance(value, dict) and value and chance.random() < 5 / 6:
            name = chance.choice(list(value))
            return {**value, name: self._changed(chance, value[name], depth - 1)}
        if depth and isinstance(value, list) and value and chance.random() < 5 / 6:
            at = chance.randrange(len(value))
            return [*value[:at], self._changed(chance, value[at], depth - 1), *value[at + 1 :]]
        odd = chance.choice(self._disguises if chance.random() < 1 / 3 else _ODD)
        changes: tuple[Callable[[], Any], ...] = (
            lambda: odd,
            lambda: odd,
            lambda: [value] * chance.randint(2, max(2, min(400, _LARGEST // len(json.dumps(value))))),
            lambda: {json.dumps(odd).strip('"'): value},
            lambda: {"data": value, "nextCursor": odd, "error": odd},
            lambda: {"error": odd, "message": odd, "moreInfo": value},
        )
        return chance.choice(changes)()


def _broken(chance: random.Random, body: bytes) -> bytes:
    """The bytes with some of them gone or others in their place."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.randbytes(chance.randint(0, 8)) + body[at + chance.randint(0, 20) :]
