"""A real HAProxy for tests, in front of several servers."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.support.limits import GENEROUS
from tests.support.ports import free_ports
from tests.support.serving import answers, wait_until

# It asks ten times a second who is ready, and repeats no request that a server has got.
_CONFIGURATION: Final = """
defaults
    mode http
    timeout connect 5s
    timeout client {patience:.0f}s
    timeout server {patience:.0f}s
    retries 3
frontend front
    bind 127.0.0.1:{port}
    monitor-uri /front
    stats enable
    stats uri /statistics
    default_backend replicas
backend replicas
    balance roundrobin
    option redispatch
    option httpchk GET /readyz
    http-check send hdr host localhost
    http-reuse always
    default-server check inter 100ms fall 1 rise 1
{servers}
"""


def sees_all(url: str) -> bool:
    """Whether the front takes all its servers for ready."""
    rows = [line.split(",") for line in httpx2.get(f"{url}/statistics;csv").text.splitlines()]
    status = rows[0].index("status")
    return all(row[status] == "UP" for row in rows if row[0] == "replicas")


@contextmanager
def haproxy(folder: Path, ports: list[int]) -> Iterator[str]:
    """The address of a front for the servers on some ports; the test is skipped where there is no HAProxy."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("haproxy is not installed")
        pytest.skip("needs haproxy, a package of Debian's")
    (port,) = free_ports(1)
    servers = "\n".join(f"    server replica{number} 127.0.0.1:{one}" for number, one in enumerate(ports))
    configuration = folder / "haproxy.cfg"
    configuration.write_text(_CONFIGURATION.format(port=port, servers=servers, patience=GENEROUS), encoding="utf-8")
    with subprocess.Popen([program, "-db", "-q", "-f", str(configuration)]) as process:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/front"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(GENEROUS)
