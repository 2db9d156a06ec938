"""Ports for programs that cannot take a free one by themselves."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """So many ports in a row, none of which is taken now."""
    for first in range(19000, 30000, 50):
        ports = list(range(first, first + count))
        with ExitStack() as stack:
            try:
                for port in ports:
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return ports
    raise AssertionError("no ports are free")


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
