"""What the Capgo API answers: records with every field optional, and the lists they come in.

A field that is new or missing upstream, or that changed its type, never fails a call.
"""

from collections.abc import Collection
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
)
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema


class Answer(BaseModel):
    """Anything the API answers. The API writes some fields in camelCase; here all are snake_case."""

    model_config = ConfigDict(
        frozen=True,
        # Built when first needed: a start that reads the stored definitions needs no answer.
        defer_build=True,
        extra="ignore",
        validate_by_name=True,
        # Otherwise a number in the place of a text would count as a wrong type, and be lost.
        coerce_numbers_to_str=True,
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name, to_camel(name))),
    )

    @classmethod
    def row_fields(cls) -> Collection[str]:
        """The names of the facts it can show about one thing."""
        return cls.model_fields


class Ok(Answer):
    """A change that Capgo has accepted and says nothing more about."""

    status: str | None = None


class Row(Answer):
    """A record of the API.

    `brief` names the fields that a list shows where they differ from their default, `on_request` those that nobody
    sees without asking because they are long or internal, `secret` those that are masked, and `identity` the field
    that tells two rows apart.
    """

    identity: ClassVar[str] = "id"
    brief: ClassVar[tuple[str, ...]] = ()
    on_request: ClassVar[tuple[str, ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, *, identity: str | None = None, brief: str = "", on_request: str = "", secret: str = "", **kwargs: Any
    ) -> None:
        """Read the declaration; the fields are named in one text, separated by spaces."""
        super().__init_subclass__(**kwargs)
        if identity is not None:
            cls.identity = identity
        if brief:
            cls.brief = tuple(brief.split())
        if on_request:
            cls.on_request = tuple(on_request.split())
        if secret:
            cls.secret = tuple(secret.split())

    def stated(self) -> Collection[str]:
        """The names of facts that a list shows though they are as usual, for without them others would mislead."""
        return ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """A row whose value of an unexpected type is left out, which pydantic does by itself for each field."""
        schema = handler(source)
        inner: Any = handler.resolve_ref_schema(schema)
        # Each validator of the class wraps its fields once more.
        while inner["type"] != "model-fields":
            inner = inner["schema"]
        for field in inner["fields"].values():
            usual = field["schema"]
            usual["schema"] = core_schema.with_default_schema(usual["schema"], default=None, on_error="default")
        return schema


R = TypeVar("R", bound=Row)


class Listing(Answer, Generic[R]):
    """Rows of one kind."""

    items: list[R]
    note: str | None = None

    @classmethod
    def row_fields(cls) -> Collection[str]:
        """The names of the facts it can show about each row."""
        return cls.row().model_fields

    @classmethod
    def row(cls) -> type[Row]:
        """The kind of the rows."""
        # Of `Listing[App]` only pydantic remembers `App` at run time.
        kind: type[Row] = cls.__pydantic_generic_metadata__["args"][0]
        return kind


class Paged(Listing[R], Generic[R]):
    """One page of rows; `next` is the `page` to ask for next, absent after the last."""

    next: int | None = None


class CursorPaged(Listing[R], Generic[R]):
    """One page of rows; `next` is the `cursor` to ask with next, absent after the last."""

    next: str | None = None
