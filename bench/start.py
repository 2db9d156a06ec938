"""From the start of the process to the list of its tools, beside the least a server on the same SDK can be."""

import json
import statistics
import subprocess
import time
from typing import Final

from bench.servers import PYTHON, environment, memory

_ROUNDS: Final = 10
_COMMANDS: Final = {
    "bare server": [PYTHON, "-m", "bench.bare"],
    "capgo-mcp": [PYTHON, "-m", "capgo_mcp", "--sandbox", "--log-level", "ERROR"],
}
_CLIENT: Final = {"name": "bench", "version": "1"}
_MESSAGES: Final = (
    {"id": 0, "method": "initialize",
     "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _CLIENT}},
    {"method": "notifications/initialized"},
    {"id": 1, "method": "tools/list", "params": {}},
)  # fmt: skip


def measure() -> None:
    """Start both servers in turns and print the medians."""
    times: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    peaks: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for turn in range(_ROUNDS + 1):
        for name, command in _COMMANDS.items():
            seconds, peak, _ = started(command)
            if turn:  # the first one fills the disk's cache
                times[name].append(seconds * 1000)
                peaks[name].append(peak)
    (bare, ours), (small, big) = ([statistics.median(one) for one in kind.values()] for kind in (times, peaks))
    print(f"  bare server    {bare:5.0f} ms to tools/list   {small:5.1f} MB at most")
    print(f"  capgo-mcp      {ours:5.0f} ms to tools/list   {big:5.1f} MB at most")
    print(f"  ratio          x{ours / bare:.2f}                  x{big / small:.2f}")


def started(command: list[str], **variables: str) -> tuple[float, float, str]:
    """Seconds until the tools are listed, the megabytes it took, and the list, of one process."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(**variables),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answer = b""
        for message in _MESSAGES:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                answer = process.stdout.readline()
        seconds = time.perf_counter() - began
        peak = memory(process.pid, "VmHWM")
        process.stdin.close()
        process.terminate()
    return seconds, peak, answer.decode()
