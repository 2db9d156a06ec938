"""A real Valkey or Redis server for tests, that can go away and come back."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.limits import GENEROUS
from tests.support.serving import wait_until


class ValkeyServer:
    """A server that keeps nothing when it stops.

    Args:
        folder: Where it may write.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "valkey.socket"
        self._program = program()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Start, empty, and return when it answers."""
        command = [self._program, "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._socket.parent)
        wait_until(self._answers)

    def stop(self) -> None:
        """Go away, as in a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(GENEROUS)
            self._process = None
            self._socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(str(self._socket))
                line.sendall(b"PING\r\n")
                return line.recv(7) == b"+PONG\r\n"
            except OSError:
                return False


def program() -> str:
    """The server's program; without one the test is skipped, except where everything has to be there."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("neither valkey-server nor redis-server is installed")
        pytest.skip("needs valkey-server or redis-server, a package of Debian's")
    return found


@contextmanager
def valkey_server(folder: Path) -> Iterator[ValkeyServer]:
    """A server that runs."""
    server = ValkeyServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
