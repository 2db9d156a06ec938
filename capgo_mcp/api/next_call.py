"""A tool call that an answer proposes, exactly as it has to be made."""

from typing import Any, Self

from pydantic import BaseModel

from capgo_mcp.api.operation import Declared
from capgo_mcp.api.text import cleaned


class NextCall(BaseModel):
    """A tool call to make next."""

    tool: str
    arguments: dict[str, Any]

    @classmethod
    def of(cls, asked: Declared[Any], **controls: Any) -> Self:
        """The call that an agent has to make, with consent where it needs that.

        Args:
            asked: What it asks.
            controls: Arguments beside that, which steer the tool.

        Raises:
            ValueError: An argument holds what is never shown, so that the call would set something else.
        """
        consent = {"confirm": True} if asked.needs_consent() else {}
        arguments = asked.model_dump(mode="json", exclude_defaults=True) | consent | controls
        if cleaned(arguments) != arguments:
            raise ValueError("what was stored has hidden characters")
        return cls(tool=asked.spec.name, arguments=arguments)
