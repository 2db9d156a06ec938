"""What a job is made of: calls, some of which an earlier answer proposes, and the end they must reach."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

APP: Final = "com.demo.app"
"""The app of the sandbox that all jobs are about."""

Answer = Mapping[str, Any]


class Call(NamedTuple):
    """A call of a tool, as an agent sends it."""

    tool: str
    arguments: Mapping[str, Any]


Step = Callable[[Sequence[Answer]], Iterable[Call]]
"""Gives the next calls, knowing what was answered so far."""


class Job(NamedTuple):
    """Something people ask for, and how an agent does it.

    Attributes:
        request: What is asked.
        steps: The calls.
        channels: What must be true of channels at the end, in the words of `play.seen`; None where one must be gone.
            No other channel may have changed.
        pins: The channel that each of these devices must be pinned to, or None.
        deleted: The bundles that must be gone.
        says: What the last answer must tell, among other things.
        earlier: What others did before.
    """

    request: str
    steps: Sequence[Step]
    channels: Mapping[str, Mapping[str, Any] | None] = {}
    pins: Mapping[str, str | None] = {}
    deleted: Collection[str] = ()
    says: Mapping[str, Any] = {}
    earlier: Sequence[Step] = ()


def call(tool: str, **arguments: Any) -> Step:
    """Make a call about the app."""
    return lambda _: [Call(f"capgo_{tool}", {"app_id": APP, **arguments})]


def undo(answers: Sequence[Answer]) -> Iterable[Call]:
    """Make the calls that take the latest change back."""
    return [Call(**proposed) for proposed in answers[-1]["undo"]]


def agreed(answers: Sequence[Answer]) -> Iterable[Call]:
    """The user has seen the preview and agrees: make the call that it proposes."""
    return [Call(**answers[-1]["after_consent"])]
