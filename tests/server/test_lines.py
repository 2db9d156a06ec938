"""A line that is no message is answered all the same, under the id of the request it was meant to be."""

import json
from typing import Any

import pytest

from capgo_mcp.server.lines import refusal

PING = '"jsonrpc":"2.0","method":"ping"'
UNREADABLE: dict[str, tuple[str, int, Any]] = {
    "no JSON": ("nonsense", -32700, None),
    "half an object": ("{" + PING + ',"id":1', -32700, 1),
    "a lone surrogate": ("{" + PING + r',"id":1,"params":{"a":"\ud800"}}', -32700, 1),
    "300 levels": ("{" + PING + ',"params":{"a":' + "[" * 300 + "]" * 300 + '},"id":1}', -32700, 1),
    "100,000 levels": ('{"id":"x",' + PING + ',"params":{"a":' + "[" * 100_000, -32700, "x"),
    "5,000 digits": ("{" + PING + ',"id":1,"params":{"a":' + "1" * 5000 + "}}", -32700, 1),
    "an id within": ("{" + PING + r',"params":{"id":7,"b":"\ud800"},"id":1}', -32700, 1),
    "id as a value": ('{"jsonrpc":"2.0","method":"id","id":1,"params":[]}', -32602, 1),
    "quotes in a name": ("{" + PING + r',"\"id\"":5,"id":"a\"b","params":3}', -32602, 'a"b'),
    "params as a list": ("{" + PING + ',"id":1,"params":[1]}', -32602, 1),
    "params as text": ("{" + PING + ',"id":"a","params":"x"}', -32602, "a"),
    "an id that is null": ("{" + PING + ',"id":null}', -32600, None),
    "an id that is a fraction": ("{" + PING + ',"id":1.5}', -32600, None),
    "an id that is a list": ("{" + PING + ',"id":[1]}', -32600, None),
    "an id of 5,000 digits": ("{" + PING + f',"id":{"1" * 5000}}}', -32700, None),
    "an id of half a character": ("{" + PING + r',"id":"\ud800"}', -32700, None),
    "another version": ('{"jsonrpc":"1.0","method":"ping","id":1}', -32600, 1),
    "a method that is a number": ('{"jsonrpc":"2.0","method":5,"id":1}', -32600, 1),
    "a batch": ("[{" + PING + ',"id":1}]', -32600, None),
}


@pytest.mark.parametrize(("line", "code", "name"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_refused(line: str, code: int, name: Any) -> None:
    """A line that is no message gets the error that fits, with the id of the request it was meant to be."""
    error = refusal(line.encode() + b"\n")
    assert error is not None
    told = json.loads(error.model_dump_json(exclude_none=True))
    assert told["error"]["code"] == code
    assert told.get("id") == name
    assert told["error"]["message"]


def test_invalid_bytes_are_refused() -> None:
    """Bytes that are no UTF-8 are no message."""
    error = refusal(b'{"jsonrpc":"2.0","method":"ping","id":1,"params":{"a":"\xff"}}\n')
    assert error is not None
    assert error.id == 1


MESSAGES = {
    "a request": "{" + PING + ',"id":1}',
    "a request without params": "{" + PING + ',"id":1,"params":null}',
    "a notification": '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    "a notification about an id": '{"jsonrpc":"2.0","method":"notifications/x","params":{"id":1}}',
    "an answer": '{"jsonrpc":"2.0","id":1,"result":{}}',
    "an error": '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}',
}


@pytest.mark.parametrize("line", MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_are_left_to_the_sdk(line: str) -> None:
    """What is a message is not refused."""
    assert refusal(line.encode()) is None


@pytest.mark.parametrize("line", [r'{"jsonrpc":"2.0","id":1,"result":{"a":"\ud800"}}', '{"id":1,"error":7}'])
def test_answers_are_never_answered(line: str) -> None:
    """An answer that cannot be read is not refused: to the client, its id may be another request's."""
    assert refusal(line.encode()) is None
