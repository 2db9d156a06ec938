"""An answer that is no success becomes the error that says what to do next.

HTTP statuses do not classify: Capgo answers a missing permission with 400, 401 or 403, and wrong input with 500. So
the code decides, with a detail of the answer or the operation where one code means several things.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from capgo_mcp.api.errors import ApiError, Conflict, NotAllowed, NotFound, PlanLimit, RateLimited, Refused, ServerFault
from capgo_mcp.api.operation import Effect, Endpoint
from capgo_mcp.api.rights import holders
from capgo_mcp.api.text import quoted
from capgo_mcp.client.body import Mask
from capgo_mcp.client.error_codes import BY_CODE, Explanation
from capgo_mcp.client.error_contexts import BY_DETAIL, BY_OPERATION

KNOWN: Final = frozenset({*BY_CODE, *(code for code, _ in BY_DETAIL), *(code for _, code in BY_OPERATION)})
"""Every code of Capgo's that has a meaning here."""

# Words with underscores, as Capgo's codes are. Anything else may be data, and has no place in a log.
_CODE: Final = re.compile(r"(?=.{2,60}$)[A-Za-z]+(_[A-Za-z]+|_\d{1,3}[A-Za-z]*)*")
_SHOWN: Final = 300
_ISSUES: Final = 5
_WAIT: Final = 60.0
_LONGEST_WAIT: Final = 3600.0
"""Seconds; Capgo itself asks for a quarter of an hour at most."""


@dataclass(frozen=True)
class Refusal:
    """What an answer that is no success says, in the parts that may be shown or decided by."""

    status: int
    code: str
    message: str
    details: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    retry_after: float | None = None
    about_device: bool = False

    @classmethod
    def read(cls, status: int, body: Any, retry_after: str | None, mask: Mask) -> Self:
        """Read any of the shapes Capgo has used; of `moreInfo`, which echoes input, only known keys."""
        fields = body if isinstance(body, dict) else {}
        said = fields.get("error")
        code = said if isinstance(said, str) and _is_code(said, mask) else None
        # An old Capgo writes a sentence there; a word that shows a piece of the key is neither.
        sentence = said if isinstance(said, str) and not mask.shows_of(said) else None
        texts = (fields.get("message"), code or sentence, fields.get("status"))
        # An old Capgo says KO to whatever it refuses.
        message = next((text for text in texts if isinstance(text, str) and text not in ("", "KO")), "")
        more = fields.get("moreInfo")
        return cls(
            status=status,
            code=code or f"http_{status}",
            message=message[:_SHOWN],
            details=(message, *_details(more if isinstance(more, dict) else {})),
            issues=_issues(more if isinstance(more, dict) else {}),
            retry_after=_seconds(retry_after),
            # A limit of the key gives its reason, even where it names a device.
            about_device=isinstance(more, dict) and "device_id" in more and "reason" not in more,
        )


def _is_code(word: str, mask: Mask) -> bool:
    """Whether a word may go into logs, journals and traces: it is a code of Capgo's, or looks like nothing else."""
    return word in KNOWN or bool(_CODE.fullmatch(word) and not mask.shows_of(word))


def _details(more: dict[str, Any]) -> tuple[str, ...]:
    database = more.get("supabaseError")
    values = (more.get("data"), more.get("reason"), database.get("code") if isinstance(database, dict) else None)
    return tuple(value for value in values if isinstance(value, str))


def _issues(more: dict[str, Any]) -> tuple[str, ...]:
    """Which fields a schema of Capgo's rejects, and why."""
    error = more.get("error")
    issues = error.get("issues") if isinstance(error, dict) else None
    rows = [row for row in issues if isinstance(row, dict)] if isinstance(issues, list) else []
    paths = [row["path"] if isinstance(row.get("path"), list) else [] for row in rows]
    return tuple(
        f"{_place(path)}: {quoted(str(row.get('message'))[:_SHOWN])}"
        for path, row in [*zip(paths, rows, strict=True)][:_ISSUES]
    )


def _place(path: list[Any]) -> str:
    name = ".".join(map(str, path))
    return name if re.fullmatch(r"[\w.]{1,80}", name, re.ASCII) else quoted(name)


def _seconds(text: str | None) -> float | None:
    """What `Retry-After` asks for; a form that Capgo does not use stands for a minute."""
    if text is None:
        return None
    return min(float(text), _LONGEST_WAIT) if re.fullmatch(r"\d+(\.\d+)?", text.strip(), re.ASCII) else _WAIT


def explain(spec: Endpoint, refusal: Refusal) -> ApiError:
    """The error for a refusal of an operation."""
    code = refusal.code
    details = (*refusal.details, str(refusal.status))
    # The narrowest meaning first: of this very answer, of this operation, of the code anywhere.
    explanation = (
        next((BY_DETAIL[code, detail] for detail in details if (code, detail) in BY_DETAIL), None)
        or BY_OPERATION.get((spec.name, code))
        or BY_CODE.get(code)
        or _by_status(refusal)
    )
    sentence = explanation.sentence or f"Capgo refused: {quoted(refusal.message)}"
    if refusal.issues:
        sentence = f"{sentence.rstrip('.')} ({'; '.join(refusal.issues)})"
    error = explanation.kind(code, f"{sentence.rstrip('.')}.", _hint(spec, explanation, refusal))
    error.status = refusal.status
    if isinstance(error, RateLimited):
        error.retry_after = _WAIT if refusal.retry_after is None else refusal.retry_after
        error.scope = _scope(refusal)
    return error


def _scope(refusal: Refusal) -> Literal["key", "device", "call"]:
    if refusal.retry_after is None:
        return "call"
    return "device" if refusal.about_device else "key"


_WAIT_HINTS: Final = {
    "key": "Make no call for {:g} seconds: each earlier one starts the wait anew.",
    "device": "Leave this device alone for {:g} seconds; other calls may go on.",
    "call": "Capgo does not say how long to wait: go on with something else and try again later.",
}


_KEY_WITH_IT: Final = "Ask the user for a key that has it; if this one does, check the ids: the object may not exist."

_OTHERWISE: Final[dict[type[ApiError], str]] = {
    NotAllowed: "Ask the user for a key with more rights, or to do it in the Capgo console.",
    NotFound: "Look it up first with the list tool; names are exact and case-sensitive.",
    Conflict: "Read what is there now, and decide anew.",
    PlanLimit: "Tell the user: waiting or repeating does not help.",
    ServerFault: "Try again in a minute; if it stays, the user can report the request id to Capgo's support.",
    ApiError: "Check the arguments against the tool's schema; if they are right, tell the user what Capgo answered.",
}
"""What to do about an error of which nothing more is known, by its kind."""


def _hint(spec: Endpoint, explanation: Explanation, refusal: Refusal) -> str:
    if explanation.kind is NotAllowed and spec.needs:
        return f"{holders(spec.needs)} {explanation.hint or _KEY_WITH_IT}"
    if explanation.kind is RateLimited:
        return _WAIT_HINTS[_scope(refusal)].format(refusal.retry_after or 0)
    if explanation.kind is ServerFault and spec.effect is not Effect.READ and not explanation.hint:
        return "The change may have happened or not: read back before trying again."
    return explanation.hint or next(hint for kind, hint in _OTHERWISE.items() if issubclass(explanation.kind, kind))


def _by_status(refusal: Refusal) -> Explanation:
    """An unknown code: all that is left is the status."""
    kinds = {402: PlanLimit, 403: NotAllowed, 404: NotFound, 409: Conflict, 429: RateLimited}
    kind = kinds.get(refusal.status, ServerFault if refusal.status >= 500 else Refused)  # noqa: PLR2004 - HTTP
    said = f": {quoted(refusal.message)}" if refusal.message else ""
    return Explanation(kind, f"Capgo answered with HTTP status {refusal.status}{said}")
