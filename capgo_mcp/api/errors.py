"""The errors a call can end in. Each knows one sentence of what happened and what to do next."""

from typing import Final, Literal

_LONGEST: Final = 2000
"""Characters of a sentence that are shown."""


class CapgoError(Exception):
    """A call that did not bring its answer.

    Attributes:
        code: A short machine word, Capgo's own where it gave one.
        sentence: What happened, in one sentence.
        hint: What to do next.
        request_id: Capgo's id of the request, for questions to its support.
    """

    def __init__(self, code: str, sentence: str, hint: str, *, request_id: str | None = None) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.request_id = request_id

    def __str__(self) -> str:
        """The text an agent reads: `[code] what happened`, and on the next line `Hint: what to do`."""
        quoted = f" (request {self.request_id})" if self.request_id else ""
        told = self.sentence if len(self.sentence) <= _LONGEST else f"{self.sentence[:_LONGEST]}… (cut)"
        return f"[{self.code}] {told}{quoted}\nHint: {self.hint}"


class InvalidArguments(CapgoError):
    """The arguments break a rule of the API; nothing was sent."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__("invalid_arguments", sentence, hint)


class KeyMissing(CapgoError):
    """There is no usable API key; nothing was sent."""


class SignInFailed(CapgoError):
    """Nobody was signed in with the browser, or a sign-in was not taken back."""


class Unreachable(CapgoError):
    """Capgo was not reached, or a read got no answer: nothing has changed.

    Attributes:
        sent: Whether the request left.
    """

    sent: bool = False


class OutcomeUnknown(CapgoError):
    """A write was sent and no answer came: it may have happened."""


class UnexpectedAnswer(CapgoError):
    """Capgo answered, but not in a form that can be read."""


class ApiError(CapgoError):
    """Capgo refused the call.

    Attributes:
        status: The HTTP status of the refusal.
    """

    status: int = 0


class KeyRefused(ApiError):
    """Capgo does not accept the key."""


class NotAllowed(ApiError):
    """The key may not do this, or the object does not exist: Capgo answers both alike."""


class NotFound(ApiError):
    """The object does not exist."""


class Conflict(ApiError):
    """Something else stands in the way: the name is taken, a channel serves the bundle."""


_ANEW: Final = "Tell the user, and decide anew. Who changed it: capgo_list_changes, of the toolset audit."


class StateMoved(Conflict):
    """What is there is not what the agent expects; nothing was sent."""

    def __init__(self, why: str, now: str = "", hint: str = _ANEW) -> None:
        super().__init__("state_moved", f"{why}, so nothing was sent. {now}".rstrip(), hint)


class PlanLimit(ApiError):
    """The organization's plan does not allow it; waiting does not help."""


class RateLimited(ApiError):
    """Too many requests.

    Attributes:
        retry_after: Seconds to wait before the next such request.
        scope: What has to wait: every request with the `key`, those about one `device`, or this `call`, and then
            Capgo does not say how long.
    """

    # Capgo counts the calls of a key by the minute.
    retry_after: float = 60.0
    scope: Literal["key", "device", "call"] = "call"


class Refused(ApiError):
    """Capgo refused the request for another reason."""


class ServerFault(ApiError):
    """Capgo failed, or was given input it could not handle."""
