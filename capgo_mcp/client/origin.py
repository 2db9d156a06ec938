"""Where the work at hand comes from: who asked for it and under which ids, for logs, the journal and spans.

Light to import, since logs begin before anything else.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

ORIGIN: Final[ContextVar[Mapping[str, str]]] = ContextVar("origin", default=MappingProxyType({}))
"""What is known of the work at hand: its `caller`, its `request_id`, which a front, this server and Capgo share, and
the `trace_id` it belongs to. Nothing is known where nobody asked over HTTP."""

IN_SPANS: Final = {"caller": "capgo.caller", "request_id": "capgo.request_id"}
"""What spans call that of it which they do not have anyway."""

_SHOWN: Final = 16
"""Digits of a key's hash that are shown: enough to tell all keys apart, and to be compared by eye."""


@contextmanager
def coming_from(**known: str) -> Iterator[None]:
    """A block whose work comes from there; what is not named stays as it was."""
    before = ORIGIN.set({**ORIGIN.get(), **known})
    try:
        yield
    finally:
        ORIGIN.reset(before)


def key_name(key: str) -> str:
    """What a key is called where it must not be shown: a hash, the same in every process."""
    return f"key:{hashlib.sha256(key.encode()).hexdigest()[:_SHOWN]}"
