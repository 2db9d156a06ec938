"""An answer that is no success becomes the error that says what to do next.

HTTP statuses do not classify: Capgo answers a missing permission with 400, 401 or 403, and wrong input with 500. So
the code decides, with a detail of the answer or the operation where one code means several things.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Self

from capgo_mcp.error_codes import BY_CODE, BY_DETAIL, BY_OPERATION, Meaning
from capgo_mcp.errors import ApiError, Conflict, NotAllowed, NotFound, PlanLimit, RateLimited, Refused, ServerFault
from capgo_mcp.operation import Effect, Spec
from capgo_mcp.rights import holders

_SHOWN: Final = 300
_WAIT: Final = 60.0


@dataclass(frozen=True)
class Refusal:
    """What an answer that is no success says, in the parts that may be shown or decided by."""

    status: int
    code: str
    message: str
    details: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    retry_after: float | None = None

    @classmethod
    def read(cls, status: int, body: Any, retry_after: str | None) -> Self:
        """Read any of the shapes Capgo has used; of `moreInfo`, which echoes input, only known keys."""
        fields = body if isinstance(body, dict) else {}
        code = fields.get("error")
        known = isinstance(code, str) and re.fullmatch(r"\w{1,80}", code)
        texts = (fields.get("message"), code, fields.get("status"))
        message = next((text for text in texts if isinstance(text, str) and text not in ("", "KO")), "")
        more = fields.get("moreInfo")
        return cls(
            status=status,
            code=str(code) if known else f"http_{status}",
            message=message[:_SHOWN],
            details=(message, *_details(more if isinstance(more, dict) else {})),
            issues=_issues(more if isinstance(more, dict) else {}),
            retry_after=_seconds(retry_after),
        )


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
        f"{'.'.join(map(str, path))}: {str(row.get('message'))[:_SHOWN]}" for path, row in zip(paths, rows, strict=True)
    )


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text or ""))
    except ValueError:
        return None


def explain(spec: Spec, refusal: Refusal) -> ApiError:
    """The error for a refusal of an operation."""
    code = refusal.code
    meaning = (
        BY_OPERATION.get((spec.name, code))
        or next((BY_DETAIL[code, detail] for detail in refusal.details if (code, detail) in BY_DETAIL), None)
        or BY_CODE.get(code)
        or _by_status(refusal)
    )
    sentence = meaning.sentence or f"Capgo refused: {refusal.message or f'HTTP {refusal.status}'}"
    if refusal.issues:
        sentence = f"{sentence.rstrip('.')} ({'; '.join(refusal.issues)})"
    error = meaning.kind(code, f"{sentence.rstrip('.')}.", _hint(spec, meaning, refusal))
    error.status = refusal.status
    if isinstance(error, RateLimited):
        error.retry_after = _WAIT if refusal.retry_after is None else refusal.retry_after
    return error


def _hint(spec: Spec, meaning: Meaning, refusal: Refusal) -> str:
    if meaning.kind is NotAllowed:
        return f"{holders(spec.needs)} {meaning.hint or 'If the key has it, check the ids: the object may not exist.'}"
    if meaning.kind is RateLimited:
        return f"Make no call for {refusal.retry_after or _WAIT:g} seconds: each earlier one starts the wait anew."
    if meaning.kind is ServerFault and spec.effect is not Effect.READ and not meaning.hint:
        return "The change may have happened or not: read back before trying again."
    return meaning.hint


def _by_status(refusal: Refusal) -> Meaning:
    """An unknown code: all that is left is the status."""
    kinds = {402: PlanLimit, 403: NotAllowed, 404: NotFound, 409: Conflict, 429: RateLimited}
    kind = kinds.get(refusal.status, ServerFault if refusal.status >= 500 else Refused)  # noqa: PLR2004 - HTTP
    said = f': "{refusal.message}"' if refusal.message else ""
    return Meaning(kind, f"Capgo answered with HTTP status {refusal.status}{said}")
