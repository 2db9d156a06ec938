"""An operation becomes a request, and status, headers and body become its answer or an error. No I/O.

Follows the API as its backend behaves; the documented shapes (`{data: …}`, `{error, status: "KO"}`) are read as well.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from capgo_mcp.api.answers import CursorPaged, Listing
from capgo_mcp.api.errors import UnexpectedAnswer
from capgo_mcp.api.fields import Wire
from capgo_mcp.api.operation import A, Effect, Endpoint, Operation, Paging, Spec
from capgo_mcp.api.text import quoted
from capgo_mcp.client.body import MOST_VALUES, Mask, TooManyValues, lines_of, parsed
from capgo_mcp.client.reads import ROWS
from capgo_mcp.client.refusals import Refusal, explain

MOST_ROWS: Final = 10_000
"""Rows of a list that Capgo does not cut into pages."""

_DONE: Final = re.compile(r"ok|success|\w+ (created|updated|deleted|queued for retry)", re.IGNORECASE)
"""What Capgo has answered to changes that it made."""
_SAYS_NOTHING: Final = frozenset({"status", "message", "error"})
"""Fields that a record shares with any other answer."""
_REQUEST_ID: Final = re.compile(r"[\w=.:-]{1,255}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Request:
    """What goes over the wire, without the key."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query as they stand in an address."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path


def write_request(operation: Operation[Any], now: datetime | None = None) -> Request:
    """The request of an operation: reads carry their arguments in the query, everything else in a JSON body.

    Args:
        operation: What to ask.
        now: The moment from which days before now are counted, where the operation names some.
    """
    spec = operation.spec
    ours = {"limit"} if spec.paging is Paging.FIXED else None  # Capgo fixes the size of these pages
    # What nobody set is left out: where Capgo checks types, null is a wrong one.
    arguments = operation.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=ours, context=Wire(now))
    arguments |= spec.says
    # A slash is quoted too, so that no argument leads to another route.
    path = re.sub(r"{(\w+)}", lambda name: quote(str(arguments.pop(name[1])), safe=""), spec.path)
    if spec.method == "GET":
        return Request(spec.method, path, query={name: _query_text(value) for name, value in arguments.items()})
    return Request(spec.method, path, body=json.dumps(arguments).encode() if arguments else None)


def _query_text(value: object) -> str:
    # Where Capgo checks such a text it knows true, and not the True that str() would write.
    return value if isinstance(value, str) else json.dumps(value)


def key_header(key: str) -> tuple[str, str]:
    """The one header that carries the key.

    Raw `authorization` is the documented form and every route takes it for a UUID, which all current keys are; for a
    legacy key some routes read only `capgkey`.
    """
    return ("authorization" if _UUID.fullmatch(key) else "capgkey", key)


def read_answer(operation: Operation[A], status: int, headers: Mapping[str, str], content: bytes, mask: Mask) -> A:
    """The typed answer to an operation.

    Args:
        operation: What was asked.
        status: HTTP status of the answer.
        headers: Its headers, with case-insensitive or lower-case names.
        content: Its decoded body.
        mask: Hides the key that the request carried, should the answer echo it.

    Raises:
        ApiError: Capgo refused; the subclass tells why.
        UnexpectedAnswer: The body is not what this operation answers, or the answer sends the caller elsewhere.
    """
    request_id = request_id_of(headers, mask)
    if 300 <= status < 400:  # noqa: PLR2004 - the HTTP redirects
        raise _redirected(operation.spec, status, request_id)
    succeeded = 200 <= status < 300  # noqa: PLR2004 - the HTTP success range
    if succeeded and is_stream(operation.spec, headers):
        body: Any = {"lines": lines_of(content, mask)}
    else:
        body = _body(operation.spec, content, mask, request_id)
    unsure = succeeded and operation.spec.effect is not Effect.READ and not says_done(operation.spec, body)
    if unsure or not succeeded or says_refused(operation.spec, body):
        refusal = Refusal.read(status, body, headers.get("retry-after"), mask)
        if unsure:
            said = f": {quoted(refusal.message)}" if refusal.message else ""
            raise unreadable(operation.spec, f"does not say that it was done{said}", request_id)
        # One refusal of an older Capgo means no more than that the page is empty.
        if operation.spec.empty_when != (refusal.code, refusal.message):
            error = explain(operation.spec, refusal)
            error.request_id = request_id
            raise error
        body = []
    answer = _typed(operation, body)
    if answer is None:
        raise unreadable(operation.spec, "is not in a form this server can read", request_id)
    return answer


def is_stream(spec: Endpoint, headers: Mapping[str, str]) -> bool:
    """Whether an answer is a stream of events, where one is expected."""
    return spec.streams and headers.get("content-type", "").startswith("text/event-stream")


def request_id_of(headers: Mapping[str, str], mask: Mask) -> str | None:
    """Capgo's id of the request, if it has the form of one."""
    name = mask(headers.get("x-request-id", ""))
    return name if _REQUEST_ID.fullmatch(name) else None


def says_refused(spec: Spec, body: Any) -> bool:
    """Whether a body is a refusal, whatever the status beside it."""
    if not isinstance(body, dict):
        return False
    return body.get("status") == "KO" or (bool(body.get("error")) and "error" not in spec.answer.model_fields)


def says_done(spec: Endpoint, body: Any) -> bool:
    """Whether a body says that a change was made: by a word for it, or by the record that was made or changed.

    A page to sign in, an empty object or an error come with status 200 as well, from what stands before Capgo.
    """
    if not isinstance(body, dict) or says_refused(spec, body):
        return False
    if isinstance(word := body.get("status"), str) and _DONE.fullmatch(word):
        return True
    record = inner if isinstance(inner := body.get(spec.envelope), dict) else body
    told = {to_snake(name) for name, value in record.items() if value is not None}
    return bool(told & (spec.answer.model_fields.keys() - _SAYS_NOTHING))


def _redirected(spec: Spec, status: int, request_id: str | None) -> UnexpectedAnswer:
    # What redirects may have passed the request on, as a form does that sends its reader to another page.
    may = "" if spec.effect is Effect.READ else "The change may have happened or not: read back first. "
    return UnexpectedAnswer(
        "redirected",
        f"The address of the API answers with a redirect (HTTP {status}), which is not followed with the API key.",
        f"{may}Ask the user to set CAPGO_API_URL to the address it leads to, if they trust it.",
        request_id=request_id,
    )


def unreadable(spec: Spec, why: str, request_id: str | None = None) -> UnexpectedAnswer:
    """The error for an answer of which only the status can be read."""
    return UnexpectedAnswer(
        "unexpected_answer",
        f"The answer to {spec.name} {why}.",
        "If this server or Capgo is self-hosted, ask the user whether CAPGO_API_URL points at the API."
        if spec.effect is Effect.READ
        else "The change may have happened or not: read back before trying again.",
        request_id=request_id,
    )


def _body(spec: Spec, content: bytes, mask: Mask, request_id: str | None) -> Any:
    try:
        return parsed(content, mask)
    except TooManyValues as error:
        why = f"has more than {MOST_VALUES:,} values: ask for less at once"
        raise unreadable(spec, why, request_id) from error


def _typed(operation: Operation[A], body: Any) -> A | None:
    """The answer that a body is; None if it is none. An error would hold the whole body for as long as it lives."""
    try:
        return _validated(operation, body)
    # The second: what the validators of answers stumble over where a host puts one kind of value for another.
    except (ValidationError, TypeError, AttributeError, LookupError, ArithmeticError):
        return None


def _validated(operation: Operation[A], body: Any) -> A:
    spec = operation.spec
    if isinstance(body, dict) and isinstance(inner := body.get(spec.envelope), (dict, list)):
        wrapper, body = body, inner
    else:
        wrapper = {}
    if issubclass(spec.answer, Listing):
        if not isinstance(body, list):
            raise TypeError
        body = _bounded(operation, body)
        if issubclass(spec.answer, CursorPaged):
            body["next"] = wrapper.get("nextCursor")
    return spec.answer.model_validate(body, context=operation)  # type: ignore[return-value]  # Spec.answer is A, see Operation


def _bounded(operation: Operation[Any], rows: list[Any]) -> dict[str, Any]:
    """The rows that were asked for: each becomes an object of a kilobyte, whatever a host sends beside them."""
    match operation.spec.paging:
        case None if len(rows) > MOST_ROWS:
            return {"items": rows[:MOST_ROWS], "note": f"Only the first {MOST_ROWS:,} of {len(rows):,} rows were read."}
        case None:
            return {"items": rows}
        case Paging.FIXED:
            return {"items": rows[:ROWS]}
        case _:
            return {"items": rows[: operation.limit]}  # type: ignore[attr-defined]  # every paged operation has one
