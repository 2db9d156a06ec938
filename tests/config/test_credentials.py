"""Where the key comes from, and that nothing shows it."""

import traceback
from pathlib import Path
from typing import Final
from uuid import UUID

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.errors import CapgoError, KeyMissing, KeyRefused
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import KeySource, StaticKey, clean
from capgo_mcp.config.credentials import KeyFile, NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app
from tests.support.safety import Hurry

KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"


@pytest.mark.parametrize(
    "written",
    [KEY, f" {KEY}\n", f'"{KEY}"', f"'{KEY}'", f"Bearer {KEY}", f" 'Bearer {KEY}' ", f"{KEY}\r\n", f"\t{KEY}\t"],
)
def test_key_is_cleaned_of_what_copying_leaves(written: str) -> None:
    """White space, quotes and Bearer around a key are no part of it."""
    assert clean(written) == KEY


@pytest.mark.parametrize("written", ["legacy.key:1", "A_b-c.d:9", "xy" * 128])
def test_legacy_keys_are_keys(written: str) -> None:
    """Keys from before UUIDs are taken as they are."""
    assert clean(written) == written


@pytest.mark.parametrize(
    "written",
    ["", " ", "short", "x" * 257, "two keys", f"{KEY} {KEY}", "schlüssel", "a\nb-c-d-e-f", "Bearer ", '""', "<key>"],
)
def test_what_cannot_be_a_key_is_refused(written: str) -> None:
    """A placeholder or a broken line is told before anything is sent, without repeating it."""
    with pytest.raises(KeyMissing) as caught:
        clean(written)
    assert caught.value.code == "no_key"
    assert not written.strip() or written not in str(caught.value)


@given(text=st.text(max_size=80))
def test_any_text_is_a_clean_key_or_refused(text: str) -> None:
    """No text can smuggle a line break or a foreign character into a header."""
    try:
        key = clean(text)
    except KeyMissing:
        return
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


async def test_key_file_is_read_at_each_call(tmp_path: Path) -> None:
    """A key that is replaced while the server runs is used from the next call on."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n", encoding="utf-8")
    source = KeyFile(path)
    assert await source.read() == KEY
    path.write_text(ADMIN_KEY, encoding="utf-8")
    assert await source.read() == ADMIN_KEY


async def test_key_file_can_appear_later(tmp_path: Path) -> None:
    """A missing file is an error of the call, not of the start."""
    path = tmp_path / "key"
    with pytest.raises(KeyMissing) as caught:
        await KeyFile(path).read()
    assert "CAPGO_API_KEY_FILE" in caught.value.sentence
    path.write_text(KEY, encoding="utf-8")
    assert await KeyFile(path).read() == KEY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \r\n\r\n"])
async def test_key_file_may_come_from_any_editor(tmp_path: Path, encoding: str, end: str) -> None:
    """Marks of encodings, UTF-16 and line ends of Windows are how some shells and editors write a file."""
    path = tmp_path / "key"
    path.write_bytes(f"{KEY}{end}".encode(encoding))
    assert await KeyFile(path).read() == KEY


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\xff\xfe", "it is empty"),
        (b"\xef\xbb\xbf\r\n", "it is empty"),
        (b"\xff\xfe\x00", "it is not text"),
        (b"\x89PNG\r\n\x1a\n", "it is not text"),
        (b"\x00" * 20, "it has characters that no key has"),
        (f"{KEY}\n{KEY}\n".encode(), "it is more than one word"),
        (f"CAPGO_API_KEY={KEY}\n".encode(), "it has characters that no key has"),
        (b"your-api-key\n", "it is a placeholder"),
        (b"ab\n", "it has 2 characters"),
        (b"x" * 10_000, "it is too long to be a key"),
    ],
)
async def test_unusable_key_file_is_told_with_its_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that holds no key says which file it is and why, without its content."""
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(KeyMissing) as caught:
        await KeyFile(path).read()
    assert str(path) in caught.value.sentence
    assert reason in caught.value.sentence
    assert KEY not in str(caught.value)


async def test_missing_and_closed_key_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads nowhere, to a folder or to a file of somebody else: each has its reason."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    told = {}
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyMissing) as caught:
            await KeyFile(path).read()
        told[path] = caught.value.sentence
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(KeyMissing) as closed:
        await KeyFile(tmp_path / "closed").read()
    assert "there is no such file" in told[tmp_path / "none"]
    assert "it is a folder" in told[tmp_path]
    assert "this user may not read it" in closed.value.sentence


@pytest.mark.parametrize(
    "written",
    [
        *("your-api-key", "YOUR_CAPGO_API_KEY", "<your key>", "[key]", "CAPGO_API_KEY", "paste-your-key-here"),
        *("$CAPGO_API_KEY", "%CAPGO_API_KEY%", "{{ key }}", "xxxxxxxx", "********", "........", "changeme"),
        *("00000000-0000-0000-0000-000000000000", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "undefined"),
    ],
)
def test_placeholder_is_called_one(written: str) -> None:
    """What a page or template has in the place of a key is not tried: refused keys count as attempts to break in."""
    with pytest.raises(KeyMissing, match="placeholder"):
        clean(written)


@given(key=st.uuids(version=4))
def test_no_uuid_is_a_placeholder(key: UUID) -> None:
    """Every key that Capgo makes is taken."""
    assert clean(str(key)) == str(key)


async def test_no_key_says_how_to_set_one() -> None:
    """The error names the variables and the way to try without an account."""
    with pytest.raises(KeyMissing) as caught:
        await NoKey().read()
    for word in ("CAPGO_API_KEY", "CAPGO_API_KEY_FILE", "--sandbox"):
        assert word in caught.value.hint


@pytest.mark.parametrize("shown", [StaticKey(KEY), Settings(key=StaticKey(KEY)), Capgo(KEY), Capgo(StaticKey(KEY))])
def test_representations_do_not_show_the_key(shown: object) -> None:
    """Whoever prints or logs an object of ours does not print the key."""
    for text in (repr(shown), str(shown), f"{shown}"):
        assert KEY not in text


async def _failure(key: str | KeySource, transport: httpx2.AsyncBaseTransport) -> CapgoError:
    async with Capgo(key, url="http://sandbox.invalid", transport=transport, clock=Hurry()) as capgo:
        with pytest.raises(CapgoError) as caught:
            await capgo.send(ListApps())
    return caught.value


async def test_refused_key_is_not_shown(state: State) -> None:
    """Capgo's refusal of a key is told without the key, in the text and in the traceback."""
    error = await _failure(KEY, httpx2.ASGITransport(app=create_app(state)))
    assert isinstance(error, KeyRefused)
    assert KEY not in str(error) + repr(error) + "".join(traceback.format_exception(error))


async def test_broken_connection_does_not_show_the_key() -> None:
    """An error of the network, whose request holds the key, is told without it."""

    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("lost", request=request)

    error = await _failure(KEY, httpx2.MockTransport(broken))
    assert KEY not in str(error) + repr(error) + "".join(traceback.format_exception(error))


async def test_echoed_key_is_not_told() -> None:
    """Even a Capgo that echoes what it was sent, in moreInfo, does not get the key to an agent."""

    def echo(request: httpx2.Request) -> httpx2.Response:
        body = {"error": "invalid_body", "message": "Invalid body", "moreInfo": {"headers": dict(request.headers)}}
        return httpx2.Response(400, json=body)

    assert KEY not in str(await _failure(KEY, httpx2.MockTransport(echo)))


async def test_bad_static_key_sends_nothing() -> None:
    """A key that cannot be one is not tried."""
    requests: list[httpx2.Request] = []

    def record(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(200, json=[])

    error = await _failure("two words", httpx2.MockTransport(record))
    assert isinstance(error, KeyMissing)
    assert requests == []


def test_key_file_of_another_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system does not let us read is an error of the call."""

    async def denied(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(anyio.Path, "read_text", denied)
    with pytest.raises(KeyMissing):
        anyio.run(KeyFile(tmp_path / "key").read)
