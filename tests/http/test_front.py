"""The front that is shipped, as it is, before two replicas: TLS, limits, and calls that go on when one of them dies."""

import json
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from capgo_mcp.http.serve import PATH
from capgo_mcp.sandbox import ADMIN_KEY, create_app
from tests.support.issuer import new_key
from tests.support.limits import GENEROUS
from tests.support.ports import free_ports, listens
from tests.support.serving import LEGACY, MODERN, Caller, Facts, Running, request, running, served, wait_until
from tests.support.tools import needed

CONFIGURATION: Final = Path(__file__).parents[2] / "deploy" / "components" / "front" / "nginx.conf"
KEY: Final = {"x-capgo-api-key": ADMIN_KEY}

ERAS: Final = (LEGACY, MODERN)
each_era = pytest.mark.parametrize("era", ERAS)


@dataclass
class Front:
    """A front before two replicas."""

    url: str
    plain: str
    output: Path
    replicas: list[Running]

    @property
    def lines(self) -> list[Facts]:
        """What it logged."""
        return [json.loads(line) for line in self.output.read_text(encoding="utf-8").splitlines()]


def certificate(folder: Path) -> Path:
    """A certificate for this machine, which the front finds where it looks; whoever trusts it can check it."""
    key, now = new_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.key").write_bytes(private)
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "tls.crt"


def placed(folder: Path, replicas: list[str], ports: tuple[int, int]) -> Path:
    """The configuration as it is shipped, but for the addresses and folders of a test."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    servers = " ".join(f"server {replica} max_fails=2 fail_timeout=5s;" for replica in replicas)
    for shipped, own in (
        (" /tmp/", f" {folder}/"),
        ("server capgo-mcp:8000 max_fails=2 fail_timeout=5s;", servers),
        ("listen 8080;", f"listen 127.0.0.1:{ports[0]};"),
        ("listen 8443 ssl;", f"listen 127.0.0.1:{ports[1]} ssl;"),
        ("/etc/nginx/tls", str(folder / "tls")),
    ):
        assert shipped in text
        text = text.replace(shipped, own)
    path = folder / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    return path


def nginx(path: Path, *words: str) -> list[str]:
    """The command line of nginx with a configuration."""
    user = "user root; " if os.geteuid() == 0 else ""  # the folders of a test are its owner's
    return [needed("nginx"), "-e", str(path.with_name("early")), "-c", str(path), "-g", f"{user}daemon off;", *words]


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    """Nothing in it is unknown to nginx or out of place."""
    certificate(tmp_path / "tls")
    path = placed(tmp_path, ["127.0.0.1:8000"], (8080, 8443))
    done = subprocess.run(nginx(path, "-t"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """The front, ready to serve, before two replicas of a Capgo."""
    needed("nginx")
    certificate(tmp_path / "tls")
    with ExitStack() as stack:
        capgo = stack.enter_context(served(create_app()))
        replicas = [
            stack.enter_context(running(tmp_path, "--log-format", "json", CAPGO_API_URL=capgo)) for _ in range(2)
        ]
        plain, secure = free_ports(2)
        path = placed(tmp_path, [httpx2.URL(one.url).netloc.decode() for one in replicas], (plain, secure))
        output = tmp_path / "output"
        sink = stack.enter_context(output.open("wb"))
        process = stack.enter_context(subprocess.Popen(nginx(path), stdout=sink, stderr=sink))
        stack.callback(process.terminate)
        wait_until(lambda: listens(secure) or process.poll() is not None)
        assert process.poll() is None, output.read_text(encoding="utf-8")
        yield Front(f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{plain}", output, replicas)


@pytest.fixture
async def http(tmp_path: Path, front: Front) -> AsyncIterator[httpx2.AsyncClient]:
    """Someone outside, who trusts the certificate."""
    assert front.url
    trusted = ssl.create_default_context(cafile=tmp_path / "tls" / "tls.crt")
    async with httpx2.AsyncClient(timeout=GENEROUS, verify=trusted) as client:
        yield client


def calls(replica: Running) -> list[Facts]:
    """The lines about calls that a replica wrote."""
    return [line for text in replica.log.splitlines() if "tool" in (line := json.loads(text))]


async def test_calls_go_through_to_every_replica(front: Front, http: httpx2.AsyncClient) -> None:
    """With TLS outside, keys reach the server, both replicas take part in either era, and the front logs no key."""
    told = [0, 0]
    for era in ERAS:
        caller = Caller(http, front.url + PATH, KEY, era)
        for _ in range(6):
            assert (await caller.facts("capgo_list_apps"))["items"]
        before, total = told, sum(told) + 6
        wait_until(lambda total=total: sum(len(calls(replica)) for replica in front.replicas) == total)
        told = [len(calls(replica)) for replica in front.replicas]
        assert all(now > then for now, then in zip(told, before, strict=True))
    assert ADMIN_KEY not in front.output.read_text(encoding="utf-8")


async def test_one_id_leads_from_the_front_to_the_call(front: Front, http: httpx2.AsyncClient) -> None:
    """The front's line about a request has the id that the server's line has, beside the caller."""
    await Caller(http, front.url + PATH, KEY).facts("capgo_list_apps")
    wait_until(lambda: any(calls(replica) for replica in front.replicas) and front.lines)
    (call,) = [line for replica in front.replicas for line in calls(replica)]
    (passed,) = front.lines
    assert passed["request_id"] == call["request_id"]
    assert (passed["path"], passed["status"]) == (PATH, 200)


async def test_nothing_else_is_published(front: Front, http: httpx2.AsyncClient) -> None:
    """Probes, metrics and long bodies end at the front, and plain http leads to https on the same method."""
    for path in ("/metrics", "/healthz", "/readyz", "/", "/mcp/more"):
        assert (await http.get(front.url + path)).status_code == 404
    body, headers = request("tools/list")
    long = await http.post(front.url + PATH, content=b" " * (2**16 + 1), headers=headers)
    assert long.status_code == 413
    moved = await http.post(front.plain + PATH, json=body, headers=headers)
    assert (moved.status_code, moved.headers["location"]) == (308, f"https://127.0.0.1{PATH}")
    assert (await http.post(f"{front.url}{PATH}/", json=body, headers=headers)).status_code == 200


@each_era
async def test_calls_go_on_when_a_replica_is_gone(front: Front, http: httpx2.AsyncClient, era: str) -> None:
    """A replica that is gone costs nobody a call: what could not be sent to it goes to the other one."""
    front.replicas[0].process.kill()
    front.replicas[0].process.wait(GENEROUS)
    caller = Caller(http, front.url + PATH, KEY, era)
    for _ in range(6):
        assert (await caller.facts("capgo_list_apps"))["items"]
