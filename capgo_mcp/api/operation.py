"""What a tool is made from: one class each, most of them an operation for every endpoint of the Capgo API.

    class DeleteChannel(Operation[Ok], http="DELETE /channel", effect=Effect.DELETE):
        '''Delete a channel; devices pinned to it fall back to the default channel.'''

        app_id: AppId
        channel: ChannelName

The fields are the arguments, the docstring is the description, `Operation[Ok]` names the answer. The tool, its
schemas and hints, the HTTP request, the row in the documentation and the conformance tests all follow from that.
An insight, in `insights.insight`, has no endpoint but is declared alike.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_snake

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.errors import UnexpectedAnswer

A = TypeVar("A", bound=Answer)


class Effect(Enum):
    """What a call does to the account; every safety rule reads this and nothing else."""

    READ = "read"
    """Changes nothing: may be repeated, and stays in read-only mode."""
    CREATE = "create"
    """Adds something: a repeat would add it twice."""
    CHANGE = "change"
    """Overwrites something, possibly live on users' devices."""
    DELETE = "delete"
    """Cannot be undone by another call: needs `confirm`."""


class Paging(Enum):
    """How a list is cut into pages upstream."""

    FIXED = "fixed"
    """`page` of 50 rows; later pages may bring more rows, which overlap with the pages after them."""
    SIZED = "sized"
    """`page` of `limit` rows."""
    CURSOR = "cursor"
    """`cursor` of the previous answer, up to `limit` rows."""


class EmptyPage(NamedTuple):
    """The error code and message by which Capgo says that a page is empty."""

    code: str
    message: str


class Filter(NamedTuple):
    """An argument that leaves rows out of a list, which an older Capgo ignores; so they are left out here as well."""

    fact: str
    """What the rows that are asked for have in common."""
    one: bool = False
    """Whether at most one row has it."""


@dataclass(frozen=True)
class Guard:
    """Marks an argument whose value can do lasting damage: such a call needs `confirm`, as a deletion does."""

    when: Callable[[Any], bool]
    because: str


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What the declaration of a tool says."""

    name: str
    """`DeleteChannel` is the tool `capgo_delete_channel`."""
    title: str
    """`DeleteChannel` reads `Delete channel`."""
    description: str
    """The docstring, which tells an agent what the call does."""
    toolset: str
    """Operations declared in `operations/channels.py` form the toolset `channels`."""
    effect: Effect = Effect.READ
    answer: type[Answer]
    by_name: bool = False
    """Whether so much goes that the user also has to confirm the name of it."""
    refuses: Mapping[str, str] = field(default_factory=dict)
    """Arguments that are tried in vain, each with what to do instead."""
    synonyms: Collection[str] = ()
    """Words of the API that the class reads as well, beside its own."""
    controls: Collection[str] = ()
    """Arguments that steer the tool and never reach Capgo, beside those that follow from all the rest."""


@dataclass(frozen=True, kw_only=True)
class Endpoint(Spec):
    """What the declaration of an operation says: a tool, and the endpoint it calls."""

    method: str
    path: str
    """`{name}` in the path takes the argument of that name."""
    envelope: str = "data"
    """The key some answers are wrapped in."""
    paging: Paging | None = None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    """The arguments by which rows are left out."""
    empty_when: EmptyPage | None = None
    one_page_when: str = ""
    """The error code by which an older Capgo refuses every page but the first."""
    at_once: int | None = None
    """Rows of one request, where Capgo leaves something out of each when there are more."""
    if_empty: str | None = None
    """What an empty list may mean beside that there is nothing."""
    needs: str = ""
    """The permission the key must hold."""
    looks_up: bool = False
    """Whether something is looked up before it is sent, which follows from a `resolved` of its own."""
    says: Mapping[str, Any] = field(default_factory=dict)
    """What every request says beside the arguments."""
    streams: bool = False
    """Whether the answer is a stream of events, which become `lines`; of a long one the last are kept."""


class Declared(BaseModel, Generic[A]):
    """What agents can ask for: an instance holds valid arguments, `spec` says everything else."""

    # Built when first used, since a start needs none; and errors do not repeat their input, which may be a secret.
    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, str_strip_whitespace=True, hide_input_in_errors=True
    )

    spec: ClassVar[Spec]

    @classmethod
    def described(cls) -> dict[str, Any]:
        """What name, docstring and generic argument of the class say, by the names of `Spec`."""
        name = to_snake(cls.__name__)
        # The base is `Operation[Ok]`, a class that pydantic makes for these brackets.
        (answer,) = cls.__bases__[0].__pydantic_generic_metadata__["args"]  # type: ignore[attr-defined]  # a model
        return {
            "name": f"capgo_{name}",
            "title": name.replace("_", " ").capitalize().replace("api ", "API "),
            "description": inspect.cleandoc(cls.__doc__ or ""),
            "answer": answer,
        }

    @classmethod
    def guards(cls) -> dict[str, Guard]:
        """The arguments that can do lasting damage, by name."""
        return {
            name: mark for name, field in cls.model_fields.items() for mark in field.metadata if isinstance(mark, Guard)
        }

    @classmethod
    def can_destroy(cls) -> bool:
        """Whether calls of this kind may need consent, and so have the argument `confirm`."""
        return cls.spec.effect is Effect.DELETE or bool(cls.guards())

    def needs_consent(self) -> bool:
        """Whether this very call does."""
        return self.spec.effect is Effect.DELETE or bool(self.dangers())

    def dangers(self) -> list[str]:
        """Why this very call would do lasting damage; empty when it would not."""
        return [guard.because for name, guard in self.guards().items() if guard.when(getattr(self, name))]


class Sender(Protocol):
    """What brings the answer to an operation: `Capgo`, or something that stands before it."""

    async def send(self, operation: "Operation[A]") -> A:
        """Send an operation and return its answer."""
        ...


class Operation(Declared[A], Generic[A]):
    """One call of the Capgo API."""

    spec: ClassVar[Endpoint]

    def __init_subclass__(cls, *, http: str = "", **kwargs: Any) -> None:
        """Read the declaration: class arguments as in `Endpoint`, with `http` holding method and path.

        Those of pydantic are taken as well: `alias_generator` tells how a route spells its arguments, apart from the
        ones that have a `serialization_alias`.
        """
        said = {one.name: kwargs.pop(one.name) for one in fields(Endpoint) if one.name in kwargs}
        super().__init_subclass__(**kwargs)
        if http:  # unlike the intermediate Operation[Ok] that pydantic makes
            method, path = http.split()
            toolset = cls.__module__.rpartition(".")[2]
            looks_up = cls.resolved is not Operation.resolved
            cls.spec = Endpoint(**cls.described(), toolset=toolset, method=method, path=path, looks_up=looks_up, **said)

    @classmethod
    def of_told(cls, **arguments: Any) -> Self:
        """A call about something that an answer names.

        Raises:
            UnexpectedAnswer: No call takes such a name.
        """
        try:
            return cls(**arguments)
        except ValidationError as error:
            names = ", ".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
            sentence = f"What Capgo told for {names} is nothing that {cls.spec.name} takes"
            raise UnexpectedAnswer("unexpected_answer", f"{sentence}.", "Tell the user, who can look at it.") from None

    async def resolved(self, capgo: Sender) -> Self:  # noqa: ARG002 - most operations have nothing to look up
        """The operation as it is sent: with the ids of names, and what Capgo would reset if it were left out.

        Raises:
            NotFound: Nothing has such a name.
            CapgoError: It could not be looked up, or must not be sent; nothing was.
        """
        return self
