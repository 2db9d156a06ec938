"""What an agent sends becomes a valid operation, or one clear error that it can correct itself from."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from capgo_mcp.agent import arguments
from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.generated import controls
from capgo_mcp.api.errors import InvalidArguments
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.wire import write_request
from capgo_mcp.operations import every
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support import samples
from tests.support.samples import AnyTool, tool

each = pytest.mark.parametrize("operation", every(), ids=lambda operation: operation.spec.name)

DAYS: Final = {"from_date": "2026-11-01", "to_date": "2026-11-07"}
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def read(
    operation: AnyTool, raw: Mapping[str, Any], locked: Mapping[str, str] | None = None
) -> tuple[BaseModel, Controls]:
    """The arguments as the tool reads them."""
    return arguments.read(operation, controls(operation), locked or {}, raw)


def dumped(name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What was understood of the arguments of a tool."""
    return read(tool(name), raw)[0].model_dump(mode="json", exclude_unset=True)


def refusal(name: str, raw: Mapping[str, Any], locked: Mapping[str, str] | None = None) -> InvalidArguments:
    """The error that arguments make."""
    with pytest.raises(InvalidArguments) as caught:
        read(tool(name), raw, locked)
    assert caught.value.code == "invalid_arguments"
    return caught.value


@each
def test_spelling_of_the_api_is_understood(operation: AnyTool) -> None:
    """Every argument may carry the name that the API gives it, and any one in camelCase."""
    given = samples.full(operation)
    plain = read(operation, given)[0]
    aliases = {name: field.serialization_alias or name for name, field in operation.model_fields.items()}
    aliases |= {"percentage": "rolloutPercentage"}  # beside the one in basis points that is sent
    assert read(operation, {aliases[name]: value for name, value in given.items()})[0] == plain
    assert read(operation, {_camel(name): value for name, value in given.items()})[0] == plain


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


@pytest.mark.parametrize(
    ("name", "raw", "understood"),
    [
        ("capgo_get_organization", {"orgId": LIGHTHOUSE}, {"org_id": LIGHTHOUSE}),
        ("capgo_get_app", {"appId": DEMO_APP}, {"app_id": DEMO_APP}),
        ("capgo_get_user_statistics", {"from": "2026-11-01", "to": "2026-11-07", "noAccumulate": True},
         {**DAYS, "daily": True}),
        ("capgo_set_channel", {"app_id": DEMO_APP, "channel": "beta", "disableAutoUpdate": "metadata"},
         {"app_id": DEMO_APP, "channel": "beta", "disable_auto_update": "version_number"}),
        ("capgo_list_devices", {"app_id": DEMO_APP, "customIdMode": True},
         {"app_id": DEMO_APP, "custom_id_mode": True}),
        ("capgo_delete_api_key", {"id": 7}, {"api_key_id": 7}),
        ("capgo_list_devices", {"app_id": DEMO_APP, "limit": "20", "cursor": None}, {"app_id": DEMO_APP, "limit": 20}),
        ("capgo_get_app", {"app_id": f"  {DEMO_APP} "}, {"app_id": DEMO_APP}),
        ("capgo_update_app", {"app_id": DEMO_APP, "block_provider_infra_requests": "true"},
         {"app_id": DEMO_APP, "block_provider_infra_requests": True}),
    ],
)  # fmt: skip
def test_habits_of_agents_are_understood(name: str, raw: dict[str, Any], understood: dict[str, Any]) -> None:
    """Names as in the API, numbers and flags as text, nulls for what is left out, stray white space."""
    assert read(tool(name), raw)[0] == tool(name).model_validate(understood)


@each
def test_null_counts_as_absent(operation: AnyTool) -> None:
    """Some clients send null for every argument they leave out."""
    optional = {name: None for name, field in operation.model_fields.items() if not field.is_required()}
    steering = dict.fromkeys(controls(operation))
    wanted = samples.required(operation)
    assert read(operation, {**optional, **steering, **wanted}) == read(operation, wanted)


def test_a_wrong_field_is_answered_with_all() -> None:
    """The definition names three fields for short; whoever guesses another one learns them all."""
    error = refusal("capgo_list_bundles", {"app_id": DEMO_APP, "fields": ["commment"]})
    assert error.sentence == '"commment" is not a field here; did you mean comment?'
    assert error.hint.startswith("The fields are id, name, ")
    assert "native_packages" in error.hint


@pytest.mark.parametrize("write", [json.dumps, lambda value: value, lambda value: json.dumps(value, indent=1)])
def test_lists_may_come_as_json_text(write: Any) -> None:
    """Claude Desktop puts JSON into strings: lists and objects are read from text as well."""
    by = ["version", "platform"]
    understood = dumped("capgo_summarize_devices", {"app_id": DEMO_APP, "group_by": write(by)})
    assert understood["group_by"] == by
    _, controls = read(tool("capgo_list_bundles"), {"app_id": DEMO_APP, "fields": write(["checksum"])})
    assert controls.fields == ["checksum"]


def test_json_text_in_a_text_argument_stays_text() -> None:
    """Only lists and objects are unpacked: a comment may begin with a brace."""
    given = {"app_id": DEMO_APP, "version_id": 1, "comment": "[x] done", "link": '{"a": 1}'}
    assert dumped("capgo_set_bundle_metadata", given) == given


@pytest.mark.parametrize("text", ["[", "{", "[1,", "[nope]", "[" * 100_000, '{"a"'])
def test_broken_json_text_is_refused(text: str) -> None:
    """What looks like JSON and is none is an error of the arguments, not of this server."""
    assert "group_by" in refusal("capgo_summarize_devices", {"app_id": DEMO_APP, "group_by": text}).sentence


@pytest.mark.parametrize(
    ("name", "given", "near"),
    [
        ("capgo_list_devices", "limitt", "limit"),
        ("capgo_list_devices", "appid", "app_id"),
        ("capgo_list_devices", "updatedSince", None),
        ("capgo_delete_bundle", "versoin", "version"),
        ("capgo_set_rollout", "rolloutPercent", "rollout_percentage"),
        ("capgo_get_app", "zzzzzz", ""),
    ],
)
def test_unknown_argument_names_the_nearest_known_one(name: str, given: str, near: str | None) -> None:
    """Nothing is ignored or guessed: a wrong name is an error, from which the agent sees the right one."""
    operation = tool(name)
    if near is None:
        assert read(operation, {**samples.required(operation), given: "2026-11-01"})
        return
    error = refusal(name, {**samples.required(operation), given: "x"})
    assert json.dumps(given) in error.sentence
    assert (f"did you mean {near}?" in error.sentence) == bool(near)
    assert name in error.hint


@each
def test_unknown_argument_is_refused_everywhere(operation: AnyTool) -> None:
    """No tool ignores what it does not know, and the hint lists what it takes."""
    error = refusal(operation.spec.name, {**samples.required(operation), "no_such_thing": 1})
    assert '"no_such_thing" is not an argument here' in error.sentence
    for name in (*operation.model_fields, *controls(operation)):
        assert name in error.hint


def test_two_spellings_of_one_argument_are_refused() -> None:
    """Which of the two was meant is not guessed, and not settled by order."""
    for raw in ({"app_id": DEMO_APP, "appId": "com.other.app"}, {"appId": DEMO_APP, "app_id": DEMO_APP}):
        assert refusal("capgo_get_app", raw).sentence == "app_id is given twice, in two spellings."


@pytest.mark.parametrize(
    ("name", "argument", "said"),
    [
        ("capgo_set_device_channel", "version_id", "private channel"),
        ("capgo_set_device_channel", "versionId", "private channel"),
        ("capgo_invite_member", "role", "invite_type"),
        ("capgo_list_devices", "page", "cursor"),
        ("capgo_delete_bundle", "bundle", "version"),
        ("capgo_delete_all_bundles", "version", "capgo_delete_bundle"),
        ("capgo_delete_all_bundles", "bundle", "capgo_delete_bundle"),
    ],
)
def test_arguments_capgo_does_not_take_are_explained(name: str, argument: str, said: str) -> None:
    """What the pages offer and the backend refuses is answered with what to do instead."""
    sentence = refusal(name, {**samples.required(tool(name)), argument: 1}).sentence
    assert said in sentence
    assert sentence.endswith(".")


@each
def test_locked_argument_cannot_be_set_by_any_spelling(operation: AnyTool) -> None:
    """Under a scope lock another app is refused, the same one is taken, and none is filled in."""
    if "app_id" not in operation.model_fields:
        return
    locked = {"app_id": DEMO_APP}
    given = {name: value for name, value in samples.required(operation).items() if name != "app_id"}
    for spelling in ("app_id", "appId", "AppId", "appID", "APP_ID", "app-id"):
        error = refusal(operation.spec.name, {**given, spelling: "com.other.app"}, locked)
        assert "com.other.app" not in str(error)
        assert "app_id (" not in error.hint
    inside = read(operation, given, locked)[0]
    assert inside.model_dump()["app_id"] == DEMO_APP
    assert read(operation, {**given, "appId": DEMO_APP}, locked)[0] == inside


def test_locked_argument_survives_null_and_lists() -> None:
    """Neither null nor another type undoes the lock."""
    locked = {"app_id": DEMO_APP}
    assert read(tool("capgo_get_app"), {"app_id": None}, locked)[0].model_dump()["app_id"] == DEMO_APP
    for other in ([DEMO_APP], {"app_id": DEMO_APP}, 0, False, "", f" {DEMO_APP}x"):
        refusal("capgo_get_app", {"app_id": other}, locked)


DELETIONS: Final = [operation for operation in every() if operation.can_destroy()]


@pytest.mark.parametrize("operation", DELETIONS, ids=lambda operation: operation.spec.name)
@pytest.mark.parametrize("consent", ["true", "True", "yes", 1, 1.0, "1", [True], {"confirm": True}, "on", ""])
def test_consent_is_the_boolean_true(operation: AnyTool, consent: Any) -> None:
    """Nothing that merely looks like true counts as consent."""
    error = refusal(operation.spec.name, {**samples.required(operation), "confirm": consent})
    assert "confirm" in error.sentence


@settings(suppress_health_check=list(HealthCheck))
@given(consent=JSON)
def test_no_other_value_is_consent(consent: Any) -> None:
    """For any JSON value but true, nothing is confirmed."""
    assume(consent is not True)
    try:
        _, controls = read(tool("capgo_delete_channel"), {"app_id": DEMO_APP, "channel": "x", "confirm": consent})
    except InvalidArguments:
        return
    assert controls.confirm is False


@each
def test_consent_is_no_argument_of_harmless_tools(operation: AnyTool) -> None:
    """A tool that destroys nothing refuses confirm, so that agents do not learn to send it always."""
    if operation in DELETIONS:
        assert read(operation, {**samples.required(operation), "confirm": True})[1].confirm is True
    else:
        refusal(operation.spec.name, {**samples.required(operation), "confirm": True})


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("capgo_get_app", {"app_id": "xyzzy"}, "app_id has the wrong form"),
        ("capgo_get_app", {}, "app_id is required"),
        ("capgo_get_app", {"app_id": 7001}, "app_id must be text: put it in quotes"),
        ("capgo_list_devices", {"app_id": DEMO_APP, "limit": 7001}, "limit"),
        ("capgo_list_devices", {"app_id": DEMO_APP, "limit": "xyzzy"}, "limit must be a whole number"),
        ("capgo_list_devices", {"app_id": DEMO_APP, "order": "xyzzy"}, "order"),
        ("capgo_list_bundles", {"app_id": DEMO_APP, "fields": "xyzzy"}, "fields must be a list"),
        ("capgo_get_channel", {"app_id": DEMO_APP, "channel": ""}, "channel must not be empty"),
        ("capgo_update_app", {"app_id": DEMO_APP, "retention": 7.5}, "retention must be a whole number"),
        ("capgo_update_app", {"app_id": DEMO_APP, "retention": -7001}, "retention"),
        ("capgo_create_organization", {"name": "xy"}, "name"),
        ("capgo_set_channel", {"app_id": DEMO_APP, "channel": "c", "public": "xyzzy"}, "public must be true or false"),
        ("capgo_set_rollout", {"app_id": DEMO_APP, "channel": "c", "percentage": 7001}, "percentage"),
        ("capgo_get_user_statistics", {"from": "2026-11-07", "to": "2026-11-01"}, "must not be later than to_date"),
        ("capgo_get_user_statistics", {"from": "xyzzy", "to": "2026-11-01"}, "from_date"),
        ("capgo_summarize_devices", {"app_id": DEMO_APP, "group_by": ["version", "xyzzy"]}, "group_by.1 "),
        ("capgo_create_bundle", {"app_id": DEMO_APP, "version": "v7001", "checksum": "a", "external_url": "https://x"},
         "semantic version"),
    ],
)  # fmt: skip
def test_broken_rules_are_told_in_a_sentence_without_the_value(name: str, wrong: dict[str, Any], said: str) -> None:
    """Each rule is told by the argument's name; the value, which may be a secret, is not repeated."""
    error = refusal(name, wrong)
    assert said in error.sentence
    assert "\n" not in error.sentence
    assert error.sentence.endswith(".")
    assert not {"xyzzy", "7001"} & set(error.sentence.replace(".", " ").replace("'", " ").split())
    assert "pydantic" not in str(error)
    assert error.hint.startswith(f"{name} takes ")


BETA: Final = {"app_id": DEMO_APP, "channel": "beta"}


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("capgo_set_channel", {"version": "1.0.0", "detach_bundle": True}, "give version or detach_bundle, not both"),
        ("capgo_set_rollout", {"rollback": True, "promoteToStable": True}, "give one action, not drop and promote"),
        ("capgo_set_rollout", {"action": "pause", "rollback": True}, "give one action, not drop and pause"),
        ("capgo_set_rollout", {"version": "1.0.0", "rolloutVersion": "1.0.1"}, "version is given twice"),
        ("capgo_set_rollout", {"percentage": 1, "rolloutPercentageBps": 100}, "percentage is given twice"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(name: str, given: dict[str, Any], said: str) -> None:
    """Two ways to say the same thing are not settled by a guess."""
    assert said in refusal(name, {**BETA, **given}).sentence


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"action": "start", "version": "1.0.0", "percentage": 12.5},
         {"rolloutVersion": "1.0.0", "rolloutPercentageBps": 1250, "rolloutEnabled": True}),
        ({"rolloutVersion": "1.0.0", "rolloutPercentageBps": 1250, "rolloutEnabled": True},
         {"rolloutVersion": "1.0.0", "rolloutPercentageBps": 1250, "rolloutEnabled": True}),
        ({"rolloutVersion": "1.0.0", "rolloutPercentage": 5},
         {"rolloutVersion": "1.0.0", "rolloutPercentageBps": 500, "rolloutEnabled": True}),
        ({"rolloutPercentage": 50}, {"rolloutPercentageBps": 5000}),
        ({"rolloutPaused": True, "rolloutPauseReason": "crashes"},
         {"rolloutPaused": True, "rolloutPauseReason": "crashes"}),
        ({"rolloutPaused": False}, {"rolloutPaused": False}),
        ({"rolloutPausedAt": "2026-11-01T00:00:00Z", "action": "pause"}, {"rolloutPausedAt": "2026-11-01T00:00:00Z"}),
        ({"rollback": True}, {"rollback": True}),
        ({"promoteToStable": True, "rollback": False}, {"promoteToStable": True}),
        ({"advanceRollout": True, "rolloutVersion": "1.0.1"}, {"advanceRollout": True, "rolloutVersion": "1.0.1"}),
        ({"rolloutEnabled": False}, {"rolloutEnabled": False}),
        ({"autoPauseEnabled": True}, {"autoPauseEnabled": True}),
    ],
)  # fmt: skip
def test_a_rollout_is_asked_for_in_our_words_or_capgos(given: dict[str, Any], body: dict[str, Any]) -> None:
    """An action, or the flags of the API that imply it, become the request that Capgo understands."""
    operation, _ = read(tool("capgo_set_rollout"), {**BETA, **given})
    assert isinstance(operation, Operation)
    assert json.loads(write_request(operation).body or b"") == {**BETA, **body}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"action": "start"}, "start needs percentage and version"),
        ({"action": "start", "version": "1.0.0"}, "start needs percentage"),
        ({"action": "widen"}, "widen needs percentage"),
        ({"action": "advance"}, "advance needs version"),
        ({"action": "promote", "percentage": 5}, "promote takes no percentage"),
        ({"action": "resume", "pause_reason": "x"}, "resume takes no pause_reason"),
        ({"action": "drop", "paused_at": "2026-11-01"}, "drop takes no paused_at"),
        ({"action": "auto_pause", "version": "1.0.0"}, "auto_pause takes no version"),
        ({"action": "auto_pause"}, "auto_pause needs a setting"),
        ({"action": "begin"}, "action"),
        ({"rolloutPaused": "yes"}, "rollout_paused must be true or false"),
        ({}, "action is required"),
    ],
)
def test_an_action_refuses_what_it_cannot_mean(given: dict[str, Any], said: str) -> None:
    """What an action lacks, or cannot do anything with, is told in a sentence before anything is sent."""
    assert said in refusal("capgo_set_rollout", {**BETA, **given}).sentence


@pytest.mark.parametrize(
    ("name", "argument", "right"),
    [
        ("capgo_set_channel", "rolloutPercentage", "capgo_set_rollout"),
        ("capgo_set_channel", "action", "capgo_set_rollout"),
        ("capgo_set_channel", "autoPauseEnabled", "capgo_set_rollout"),
        ("capgo_set_rollout", "public", "capgo_set_channel"),
        ("capgo_set_rollout", "disableAutoUpdate", "capgo_set_channel"),
        ("capgo_get_channel", "page", "capgo_list_channels"),
    ],
)
def test_an_argument_of_the_other_tool_names_that_tool(name: str, argument: str, right: str) -> None:
    """Where two tools share an endpoint, an argument of the other one is refused with the name of the right one."""
    assert f"is an argument of {right}." in refusal(name, {**BETA, argument: True}).sentence


@each
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_arguments_are_read_or_refused(operation: AnyTool, data: st.DataObject) -> None:
    """Whatever JSON an agent sends, the only error is InvalidArguments, in one sentence."""
    names = st.sampled_from([*operation.model_fields, *controls(operation), "x"]) | st.text(max_size=12)
    raw = {**samples.required(operation), **data.draw(st.dictionaries(names, JSON, max_size=4))}
    try:
        understood, _ = read(operation, raw)
    except InvalidArguments as error:
        assert error.sentence.endswith((".", "?"))  # noqa: PT017 - either outcome is right
        assert "\n" not in error.sentence  # noqa: PT017 - the same
    else:
        assert isinstance(understood, operation)
