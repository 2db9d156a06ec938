"""The ways in which something in Capgo's place can fail, each with the bytes it sends."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from capgo_mcp.client.body import MOST_VALUES
from capgo_mcp.client.bounds import MAX_ANSWER
from tests.support import faulty
from tests.support.faulty import End, Fault, http
from tests.support.keys import disguises

_STOP: Final = ("BAD_KEY", "BUSY", "BUSY_FOR_LONG")
_MEGABYTE: Final = 2**20


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        fault: What is sent instead of an answer.
        stops: Whether nothing is sent for a while after it, so that each call has to be made with another key.
    """

    fault: Fault
    stops: bool = False


def _rows(row: bytes, count: int) -> bytes:
    return b"[" + b",".join([row] * count) + b"]"


def bodies() -> dict[str, bytes]:
    """Bodies that are as costly to read as the bounds of an answer allow, and some beyond them."""
    full = MAX_ANSWER - 100
    wide = "\U0001f600".encode()
    return {
        "OBJECTS": _rows(b"{}", 5 * _MEGABYTE),
        "OBJECTS_ENOUGH": _rows(b"{}", MOST_VALUES // 2 - 1),
        "LISTS": b"[" * 150_000 + b"]" * 150_000,
        "NAMES": b"{%s}" % b",".join(b'"k%d":1' % number for number in range(MOST_VALUES - 2)),
        "ROWS": _rows(b'{"app_id":"com.demo.app","id":1,"name":"%s"}' % wide, MOST_VALUES // 4 - 1),
        "LONG_ROWS": _rows(b'{"app_id":"com.demo.app","name":"%s"}' % (wide * 18), MOST_VALUES // 3 - 1),
        "DIGITS": b'{"id":%s}' % (b"9" * full),
        "TEXT": b'{"name":"%s%s"}' % (b"a " * (full // 2), wide),
        "TEXTS": _rows(b'{"name":"%s"}' % (wide + b"a" * 19_000), full // 19_100),
        "WIDE_TEXTS": _rows(b'{"name":"%s"}' % (b"%25" + wide * 4_700), full // 19_100),
        "LIGATURES": _rows(b'{"name":"%s"}' % ("\ufdfa".encode() * 6_300), full // 19_100),
        "JOINED": _rows(b'{"name":"%s"}' % ("\u0627\u200c".encode() * 3_700), full // 19_100),
        "ESCAPES": b'{"error":"%s"}' % (rb"\u200b" * (full // 6)),
        "PERCENTS": _rows(b'"%s"' % (b"%25" * 6_000), full // 18_100),
        "NUMBERS": _rows(b"1e-5", MOST_VALUES - 2),
        "COMMAS": b'{"name":"%s"}' % (b"," * (MOST_VALUES - 2) + b"a" * (full - MOST_VALUES)),
        "INFINITE": b'{"id":NaN,"limit":-Infinity,"data":1e999}',
        "NOT_QUITE_JSON": b'{"name":"%s%s",}' % (b"a" * (full - 10), wide),
    }


def _sent() -> dict[str, Fault]:
    """The same as answers, and answers that have no end, or show their size only when they are there."""
    sent = {name: Fault(http(200, body)) for name, body in bodies().items()}
    zipped = gzip.compress(b'{"a":' * 40_000_000, 9)
    return sent | {
        "ZIPPED": Fault(http(200, zipped, content_encoding="gzip")),
        "ZIPPED_TWICE": Fault(http(500, gzip.compress(zipped, 9), content_encoding="gzip, gzip")),
        "CHUNKS": Fault(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n100000\r\n" + b"[" * _MEGABYTE, End.REPEAT
        ),
        "LONG_HEADER": Fault(b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * _MEGABYTE, End.REPEAT),
    }


@cache
def kinds(key: str) -> Mapping[str, Kind]:
    """Every kind of fault, by its name.

    Args:
        key: The key that a host writes into what it answers.
    """
    known = {name: fault for name, fault in vars(faulty).items() if isinstance(fault, Fault)}
    echoes = {
        f"KEY {name.upper()}": faulty.refusal(400, writing, {"reason": writing, "data": writing})
        for name, writing in disguises(key).items()
    }
    return {name: Kind(fault, name in _STOP) for name, fault in (known | _sent() | echoes).items()}
