"""What a tool that writes answers: what was done, or what would be done if the user agrees."""

from typing import Any, Generic

from pydantic import BaseModel, ConfigDict

from capgo_mcp.operation import A


class Call(BaseModel):
    """A tool call to make next."""

    tool: str
    arguments: dict[str, Any]


class Outcome(BaseModel, Generic[A]):
    """The result of a tool that writes; when `done` is false, nothing has changed."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    done: bool
    result: A | None = None
    preview: dict[str, Any] | None = None
    ask: str | None = None
    after_consent: Call | None = None
