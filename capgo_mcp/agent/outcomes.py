"""What a tool that writes answers: what was done, or what would be done if the user agrees."""

from typing import Any, Generic, Literal

from pydantic import BaseModel, ConfigDict

from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.operation import A


class Preview(BaseModel):
    """What a call would destroy, as Capgo tells it now."""

    would: str
    facts: dict[str, Any]
    unknown: list[str] = []
    """What could not be learned, and why."""


class Outcome(BaseModel, Generic[A]):
    """The result of a tool that writes; when `done` is false, what was asked is not so."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    done: bool
    changed: Literal["nothing", "in part"] | None = None
    """Said when the call was no error and yet not all is as asked: `note` has the reason, and what would change it."""
    now: str | None = None
    """What is so now, in a sentence."""
    result: A | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    undo: list[NextCall] | None = None
    note: str | None = None
    preview: Preview | None = None
    ask: str | None = None
    after_consent: NextCall | None = None
