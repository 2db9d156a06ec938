"""Nothing is destroyed without the user's consent: the flag, and what is shown before it is set."""

from typing import Any

from capgo_mcp.arguments import Controls
from capgo_mcp.operation import Effect, Operation
from capgo_mcp.outcomes import Call, Outcome


def can_destroy(operation: type[Operation[Any]]) -> bool:
    """Whether calls of this kind may need consent, and so have the argument `confirm`."""
    return operation.spec.effect is Effect.DELETE or bool(operation.guards())


def settle(operation: Operation[Any], controls: Controls) -> Outcome[Any] | None:
    """What to answer instead of sending the operation; None when it may be sent."""
    dangers = operation.dangers()
    if controls.confirm or not (operation.spec.effect is Effect.DELETE or dangers):
        return None
    target = operation.model_dump(mode="json", exclude_defaults=True)
    warning = f" Mind that {'; '.join(dangers)}." if dangers else ""
    return Outcome(
        done=False,
        preview={"would": operation.spec.title, **target},
        ask=f"Nothing has changed yet. Show this to the user and ask whether to go on.{warning}",
        after_consent=Call(tool=operation.spec.name, arguments={**target, "confirm": True}),
    )
