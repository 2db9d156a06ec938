"""The processes that are measured, and what they need of memory and descriptors."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2

PYTHON: Final = sys.executable
_STARTED: Final = 30.0
_UNLIMITED: Final = ("--rate", "1000000000", "--log-level", "WARNING")
"""The server limits no rate and logs no calls, so that its own work shows."""
_BUSY: Final = """
import os, sys
core, parent = map(int, sys.argv[1:])
os.sched_setaffinity(0, {core})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.getppid() == parent:
    pass
"""


def environment(**more: str) -> dict[str, str]:
    """This environment without settings of its own."""
    return {name: text for name, text in os.environ.items() if not name.startswith("CAPGO_")} | more


@contextmanager
def upstream(*, blocks: bool = False) -> Iterator[str]:
    """The address of a sandbox in a process of its own.

    Args:
        blocks: Whether failed logins block an address, as they do at Capgo.
    """
    port = _free_port()
    flags = ["--blocks"] if blocks else []
    with _process([PYTHON, "-m", "bench.upstream", str(port), *flags], f"http://127.0.0.1:{port}/ok"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def canned() -> Iterator[str]:
    """The address of an upstream that answers at once, in a process of its own."""
    port = _free_port()
    with _process([PYTHON, "-m", "bench.peers.canned", str(port)], f"http://127.0.0.1:{port}/ok"):
        yield f"http://127.0.0.1:{port}"


def seen(api: str, **behaviour: object) -> dict[str, int]:
    """What has reached that sandbox, which behaves as told from now on: `delay` in seconds, `away`."""
    answer = httpx2.get(f"{api}/seen", params={name: str(value) for name, value in behaviour.items()})
    return dict(answer.raise_for_status().json())


def opened(api: str) -> int:
    """How many connections were opened to it."""
    return seen(api)["connections"]


@contextmanager
def peer(api: str, module: str, *more: str, python: Path = Path(PYTHON)) -> Iterator[tuple[str, int]]:
    """The address and the process id of another server in front of it, perhaps in an environment of its own."""
    port = _free_port()
    with _process([str(python), "-m", module, str(port), api, *more], f"http://127.0.0.1:{port}/there") as process:
        yield f"http://127.0.0.1:{port}/mcp", process.pid


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have taken; NaN where the system does not tell."""
    ticks = 0
    for one in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return float("nan")
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def core_apart() -> Iterator[set[int]]:
    """A core that this process, and what it starts meanwhile, leave to others; empty where that cannot be had."""
    cores = _cores()
    if cores[1:]:
        os.sched_setaffinity(0, cores[1:])
    try:
        yield {*cores[:1]}
    finally:
        if cores:
            os.sched_setaffinity(0, cores)


@contextmanager
def awake() -> Iterator[None]:
    """No core sleeps meanwhile, where that can be had: on a virtual machine, one may take half a millisecond to wake.

    What keeps it busy has the lowest priority there is, and makes way at once for whatever else there is to do.
    """
    cores = _cores() if hasattr(os, "SCHED_IDLE") else []
    busy = [subprocess.Popen([PYTHON, "-c", _BUSY, str(core), str(os.getpid())]) for core in cores]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def keep_to(cores: set[int], pid: int) -> None:
    """Let a process and its children run on these cores only, if there are any."""
    for one in (pid, *_children(pid)) if cores else ():
        for thread in Path(f"/proc/{one}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def _cores() -> list[int]:
    """Those that this process may run on; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _children(pid: int) -> list[int]:
    folder = Path(f"/proc/{pid}/task")
    texts = [path.read_text(encoding="ascii") for path in folder.glob("*/children")] if folder.exists() else []
    direct = [int(child) for text in texts for child in text.split()]
    return direct + [one for child in direct for one in _children(child)]


@contextmanager
def team_server(api: str, workers: int = 1) -> Iterator[tuple[str, int]]:
    """The address and the process id of an HTTP server in front of it."""
    port = _free_port()
    command = [PYTHON, "-m", "capgo_mcp", "http", "--port", str(port), "--workers", str(workers), *_UNLIMITED]
    with _process(command, f"http://127.0.0.1:{port}/readyz", CAPGO_API_URL=api) as process:
        yield f"http://127.0.0.1:{port}/mcp", process.pid


def stdio_command() -> list[str]:
    """The command of a server that speaks over stdin and stdout."""
    return [PYTHON, "-m", "capgo_mcp", *_UNLIMITED]


def memory(pid: int, what: str = "VmRSS") -> float:
    """Megabytes a process has in memory now, or had at most (`VmHWM`); NaN where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("nan")
    return int(next(line.split()[1] for line in lines if line.startswith(f"{what}:"))) / 1024


def descriptors(pid: int) -> int:
    """How many files and connections a process has open; 0 where the system does not tell."""
    folder = Path(f"/proc/{pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _process(command: list[str], probe: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=environment(**variables)) as process:
        try:
            end = time.monotonic() + _STARTED
            while not _answers(probe):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{' '.join(command)} did not start")
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        httpx2.get(url)
    except httpx2.HTTPError:
        return False
    return True
