"""Requests and answers on recorded bytes: every recording of our operations, and the shapes of the documentation."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from capgo_mcp.api.answers import Listing
from capgo_mcp.api.errors import (
    ApiError,
    Conflict,
    KeyRefused,
    NotAllowed,
    NotFound,
    PlanLimit,
    RateLimited,
    Refused,
    ServerFault,
)
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.client.wire import read_answer
from capgo_mcp.operations import every
from capgo_mcp.operations.devices import Device
from capgo_mcp.operations.statistics import UsageSeries
from tests.support import samples
from tests.support.data import DATA
from tests.support.keys import MASK

Record = dict[str, Any]
Body = dict[str, Any]

BY_PARAMETER: Final = {
    "capgo_get_channel": "channel",
    "capgo_get_device": "device_id",
    "capgo_get_webhook": "webhookId",
    "capgo_get_organization": "orgId",
    "capgo_delete_bundle": "version",
}
"""Tools that share a route with another one, and the parameter that makes the call theirs."""

ENVELOPES: Final = {
    "capgo_list_devices": "data",
    "capgo_list_audit_log": "data",
    "capgo_list_webhook_deliveries": "deliveries",
    "capgo_create_bundle": "bundle",
    "capgo_update_organization": "data",
}
"""Where the recorded answers are wrapped."""

EXPECTED: Final[dict[type[ApiError], str]] = {
    KeyRefused: "no_key_provided no_jwt_apikey_or_subkey invalid_apikey invalid_jwt invalid_subkey",
    NotAllowed: "cannot_access_app cannot_access_organization invalid_org_id no_access_to_app permission_denied "
    "cannot_delete_app cannot_delete_bundle cannot_get_bundle cannot_delete_apikey no_permission "
    "user_does_not_have_access_to_this_organization cannot_create_bundle:You_can't_access_this_app",
    NotFound: "device_not_found channel_not_found cannot_find_channel cannot_find_channels cannot_find_version "
    "cannot_delete_version organization_member_not_found webhook_not_found delivery_not_found api_key_not_found "
    "binding_failed error_inviting_user_to_organization:NO_EMAIL",
    Conflict: "app_id_already_exists version_already_exists cannot_delete_linked_version public_channel_override "
    "missing_rollout_version cannot_create_bundle:23505 error_inviting_user_to_organization:ALREADY_INVITED",
    RateLimited: "too_many_requests",
    Refused: "invalid_json_parse_body missing_app_id invalid_body invalid_app_id missing_required_fields "
    "invalid_rollout_config invalid_limit missing_device_id_or_app_id invalid_expiration_date missing_owner_org "
    "retention_to_big retention_to_small missing_version missing_external_url missing_checksum invalid_protocol "
    "invalid_auto_pause_action missing_channel_name invalid_order invalid_version_id missing_device_id "
    "invalid_id_format cannot_create_apikey name_is_required bindings_required no_updates invalid_events "
    "cannot_get_audit_logs invalid_version_format no_fields_to_update",
    ServerFault: "unknown_error cannot_get_apps cannot_update_app cannot_set_bundle_to_channel",
    PlanLimit: "subscription_required need_plan_upgrade",
}
"""The error each recorded code must become; a detail follows the colon where it decides."""

CLASS_OF: Final = {code.replace("_", " ") if ":" in code else code: kind for kind, codes in EXPECTED.items()
                   for code in codes.split()}  # fmt: skip


def _records() -> Iterator[tuple[Record, Operation[Any]]]:
    for line in (DATA / "recorded.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if (operation := _operation_of(record["request"])) is not None:
            yield record, operation


def _operation_of(request: Body) -> Operation[Any] | None:
    sent = {**request["query"], **(request["body"] if isinstance(request["body"], dict) else {})}
    route = (request["method"], request["path"].rstrip("/"))
    candidates = [
        operation
        for operation in every()
        if operation.spec.method == route[0] and re.fullmatch(re.sub(r"{\w+}", "[^/]+", operation.spec.path), route[1])
    ]
    mine = [one for one in candidates if sent.get(BY_PARAMETER.get(one.spec.name, ""))]
    rest = [one for one in candidates if one.spec.name not in BY_PARAMETER]
    if not candidates:
        return None
    chosen = (mine or rest or candidates)[0]
    daily = {"daily": sent.get("noAccumulate") == "true"} if "daily" in chosen.model_fields else {}
    operation: Operation[Any] = chosen.model_validate({**samples.required(chosen), **daily})
    return operation


RECORDS: Final = list(_records())


def _cases(*, success: bool) -> pytest.MarkDecorator:
    rows = [row for row in RECORDS if (row[0]["response"]["status"] < 300) is success]
    ids = [f"{record['n']}-{operation.spec.name}" for record, operation in rows]
    return pytest.mark.parametrize(("record", "operation"), rows, ids=ids)


def uncut(value: Any) -> Any:
    """A recorded value without the texts that stand for what was cut off."""
    if isinstance(value, list):
        return [uncut(item) for item in value if not re.fullmatch(r"\.\.\. \d+ more", str(item))]
    return {name: uncut(item) for name, item in value.items()} if isinstance(value, dict) else value


def read(operation: Operation[Any], status: int, body: Any, **headers: str) -> Any:
    """The answer that a body makes."""
    return read_answer(operation, status, headers, json.dumps(body).encode(), MASK)


def keeps(answer: BaseModel, wire: Body, where: str = "") -> None:
    """Assert that an answer has everything it declares and the wire tells."""
    for name, field in type(answer).model_fields.items():
        spellings = [
            name,
            to_camel(name),
            *([field.validation_alias] if isinstance(field.validation_alias, str) else []),
        ]
        told = next((wire[spelling] for spelling in spellings if spelling in wire), None)
        if told is not None:
            same(getattr(answer, name), told, f"{where}.{name}")


def same(mine: Any, told: Any, where: str) -> None:
    """Assert that a value of an answer is what the wire told, whatever its spelling."""
    if isinstance(mine, BaseModel):
        keeps(mine, told, where)
    elif isinstance(told, list):
        assert len(mine) == len(told), where
        for index, (one, other) in enumerate(zip(mine, told, strict=True)):
            same(one, other, f"{where}.{index}")
    elif isinstance(mine, bool) or not isinstance(mine, int | float):
        assert mine == told or _moment(str(mine)) == _moment(str(told)), where
    else:
        assert mine == float(told), where


def _moment(text: str) -> datetime:
    """A moment at whole seconds in UTC, from any of the ways to write one."""
    moment = datetime.fromisoformat(text).replace(microsecond=0)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def test_recordings_cover_most_operations() -> None:
    """The recordings are found and matched: a wrong path would make the other tests empty."""
    assert len(RECORDS) > 300
    assert len({operation.spec.name for _, operation in RECORDS}) >= 38


@_cases(success=True)
def test_recorded_success_keeps_every_declared_field(record: Record, operation: Operation[Any]) -> None:
    """Each success is read into its type, and nothing that the type declares is lost."""
    body = uncut(record["response"]["body"])
    answer = read(operation, record["response"]["status"], body)
    assert type(answer) is operation.spec.answer
    wire = body[ENVELOPES[operation.spec.name]] if operation.spec.name in ENVELOPES else body
    if isinstance(answer, UsageSeries):
        same(answer.days, wire["global"] if isinstance(wire, dict) else wire, "days")
        assert answer.accumulated is not operation.model_dump()["daily"]
    elif isinstance(answer, Listing):
        same(answer.items, wire, "items")
    else:
        keeps(answer, wire)


@_cases(success=False)
def test_recorded_refusal_becomes_the_right_error(record: Record, operation: Operation[Any]) -> None:
    """Each refusal is told in a sentence, by the class its code stands for, without what it echoes."""
    response = record["response"]
    code, more = response["body"]["error"], response["body"].get("moreInfo") or {}
    if operation.spec.empty_when == (code, response["body"]["message"]):
        assert read(operation, response["status"], response["body"]).items == []
        return
    headers = {name.lower(): text for name, text in response["headers"].items()}
    with pytest.raises(ApiError) as caught:
        read(operation, response["status"], response["body"], **headers)
    error = caught.value
    assert type(error) is _expected(response["body"])
    assert (error.code, error.status) == (code, response["status"])
    assert re.fullmatch(r"[^\n]+\.", error.sentence)
    assert not more or json.dumps(more) not in str(error)
    assert error.hint or _may_have_no_hint(error, operation)


def _expected(body: Body) -> type[ApiError]:
    more = body.get("moreInfo") or {}
    details = (body["message"], more.get("data"), (more.get("supabaseError") or {}).get("code"))
    for detail in details:
        if (kind := CLASS_OF.get(f"{body['error'].replace('_', ' ')}:{str(detail).replace('_', ' ')}")) is not None:
            return kind
    return CLASS_OF[body["error"]]


def _may_have_no_hint(error: ApiError, operation: Operation[Any]) -> bool:
    """A hint is promised where there is something to do: not for every refusal or fault of a read."""
    faulty_read = isinstance(error, ServerFault) and operation.spec.effect is Effect.READ
    return faulty_read or type(error) in (Refused, Conflict)


@_cases(success=False)
def test_more_info_is_never_told(record: Record, operation: Operation[Any]) -> None:
    """What Capgo echoes beside the message stays out of the text, whatever it holds."""
    echo = {"body": {"secret": "xyzzy"}, "supabaseError": {"message": "xyzzy", "code": "xyzzy"}, "app_id": "xyzzy"}
    body = {**record["response"]["body"], "moreInfo": {**echo, "data": "xyzzy", "reason": "xyzzy"}}
    if operation.spec.empty_when == (body["error"], body["message"]):
        return
    with pytest.raises(ApiError) as caught:
        read(operation, record["response"]["status"], body)
    assert "xyzzy" not in str(caught.value)


@pytest.mark.parametrize(
    ("tool", "row"),
    [
        ("capgo_list_apps", {"app_id": "com.demo.app", "name": "Demo"}),
        ("capgo_list_channels", {"id": 1, "name": "beta", "disableAutoUpdate": "major"}),
        ("capgo_list_bundles", {"id": 7, "name": "1.0.0"}),
        ("capgo_list_devices", {"device_id": "d", "platform": "ios"}),
        ("capgo_list_organizations", {"id": "o", "name": "Org"}),
        ("capgo_list_members", {"uid": "u", "email": "a@example.com"}),
        ("capgo_list_api_keys", {"id": 4, "name": "CI"}),
    ],
)
@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"data": rows}], ids=["bare", "enveloped"])
def test_lists_are_read_bare_and_enveloped(tool: str, row: Body, wrap: Any) -> None:
    """The documented envelope and the wire's bare array make the same answer."""
    operation = samples.endpoint(tool)
    answer = read(operation.model_validate(samples.required(operation)), 200, wrap([row]))
    assert len(answer.items) == 1
    keeps(answer.items[0], row)


@pytest.mark.parametrize("tool", ["capgo_get_app", "capgo_get_channel", "capgo_get_organization", "capgo_get_device"])
def test_records_are_read_bare_and_enveloped(tool: str) -> None:
    """One record may come in the documented envelope as well."""
    operation = samples.endpoint(tool).model_validate(samples.required(samples.endpoint(tool)))
    row = {"name": "n", "id": 3, "device_id": "d", "app_id": "a.b"}
    assert read(operation, 200, {"data": row}) == read(operation, 200, row)


def _device(body: Any) -> Device:
    operation = samples.endpoint("capgo_get_device")
    device: Device = read(operation.model_validate(samples.required(operation)), 200, body)
    return device


def test_documented_version_object_of_a_device() -> None:
    """The pages show a device's version as an object, the backend as an id beside a name."""
    documented = _device({"device_id": "d", "version": {"id": 5, "name": "1.2.3"}})
    assert documented == _device({"device_id": "d", "version": 5, "version_name": "1.2.3"})
    assert (documented.version, documented.version_name) == (5, "1.2.3")


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, {"error": "App not found", "status": "KO"}, Refused, "App not found"),
        (404, {"error": "App not found", "status": "KO"}, NotFound, "App not found"),
        (403, {"status": "You do not have access to this organization"}, NotAllowed, "You do not have access"),
        (500, {"status": "Cannot list devices", "error": {"code": "x"}}, ServerFault, "Cannot list devices"),
        (500, "Internal Server Error", ServerFault, "500"),
        (418, [], Refused, "418"),
        (503, None, ServerFault, "503"),
    ],
)
def test_documented_and_older_refusals(status: int, body: Any, kind: type[ApiError], said: str) -> None:
    """Without a machine code the status decides and the message is told."""
    operation = samples.endpoint("capgo_list_devices")
    with pytest.raises(ApiError) as caught:
        read(operation.model_validate(samples.required(operation)), status, body)
    assert type(caught.value) is kind
    assert said in caught.value.sentence
    assert caught.value.code == f"http_{status}"


def test_new_missing_and_changed_fields_fail_nothing() -> None:
    """A field that is new, gone or of another type upstream costs that field only."""
    device = _device({"device_id": "d", "brand_new": {}, "os_version": ["?"], "platform": "ios", "version": "many"})
    assert (device.device_id, device.platform, device.os_version, device.version) == ("d", "ios", None, None)


@pytest.mark.parametrize(
    "written",
    ["2026-11-21T19:24:14.691806+00:00", "2026-11-21 19:24:14.6918+00", "2026-11-21T19:24:14.691Z",
     "2026-11-21T19:24:14", "2026-11-21T21:24:14+02:00"],
)  # fmt: skip
def test_moments_come_in_one_form(written: str) -> None:
    """However Capgo spells a moment, it is one moment in UTC, which an agent reads to the minute."""
    device = _device({"device_id": "d", "updated_at": written})
    assert device.updated_at is not None
    assert device.updated_at.replace(microsecond=0) == datetime(2026, 11, 21, 19, 24, 14, tzinfo=UTC)
    assert device.model_dump(mode="json")["updated_at"] == "2026-11-21T19:24Z"


@pytest.mark.parametrize("written", ["", "yesterday", "infinity", "-infinity", 0, 1e300, [], "0001-01-01T00:00:00+10"])
def test_what_is_no_moment_costs_that_field_only(written: Any) -> None:
    """A moment that cannot be read does not take the rest of the device away."""
    device = _device({"device_id": "d", "platform": "ios", "updated_at": written})
    assert (device.device_id, device.platform) == ("d", "ios")


def test_numbers_in_text_are_numbers() -> None:
    """Capgo sends big integers as text after a creation; they are numbers in the answer."""
    operation = samples.endpoint("capgo_get_app")
    answer = read(operation.model_validate(samples.required(operation)), 200, {"retention": "2592000", "name": 5})
    assert (answer.retention, answer.name) == (2_592_000, "5")
