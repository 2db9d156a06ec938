"""Ports for programs that cannot take a free one by themselves."""

import os
import socket
from contextlib import ExitStack
from itertools import cycle, islice
from typing import Final

_SHARE: Final = 400
_FIRST: Final = 10_000 + _SHARE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 50)
"""Below the ports that clients of anything are given, and other ones for each process that runs tests."""
_PORTS: Final = cycle(range(_FIRST, _FIRST + _SHARE))


def free_ports(count: int) -> list[int]:
    """So many ports in a row, none of which is taken, or given to another test while this one may still begin."""
    for _ in range(_SHARE):
        ports = list(islice(_PORTS, count))
        with ExitStack() as stack:
            try:
                for port in ports:
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
        if ports[-1] - ports[0] == count - 1:
            return ports
    raise AssertionError("no ports are free")


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
