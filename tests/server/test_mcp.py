"""The MCP server as a client sees it, in both protocol eras."""

import json
import re
from functools import partial
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # its stubs are a distribution of their own
import mcp_types as t
import pytest
from mcp import Client, MCPError

from capgo_mcp.agent import render
from capgo_mcp.api.operation import Effect
from capgo_mcp.api.text import compact
from capgo_mcp.catalog import DEFAULT_TOOLSETS, TOOLSETS, every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.mcp import OneCaller, build, instructions_for
from capgo_mcp.server.tools import Toolbox
from tests.support import samples
from tests.support.connected import Mode, connected, each_mode
from tests.support.samples import AnyTool, tool

READS: Final = [operation for operation in every_tool() if operation.spec.effect is Effect.READ]
WRITES: Final = [operation for operation in every_tool() if operation.spec.effect is not Effect.READ]
SECRET: Final = "5a4db0cc-5ec7-4e7c-8000-00000000f00d"


def text(result: t.CallToolResult) -> str:
    """The text of a result, which is one block."""
    (block,) = result.content
    assert isinstance(block, t.TextContent)
    return block.text


@each_mode
async def test_lists_the_tools_that_the_settings_choose(capgo: Capgo, mode: Mode) -> None:
    """tools/list has every tool in the order of the declarations, and is the same each time."""
    async with connected(capgo, mode) as client:
        first, second = await client.list_tools(), await client.list_tools()
    assert [one.name for one in first.tools] == [operation.spec.name for operation in every_tool()]
    assert first.tools == second.tools
    async with connected(capgo, mode, toolsets=frozenset({"devices"}), read_only=True) as client:
        names = [one.name for one in (await client.list_tools()).tools]
    assert names == ["capgo_list_devices", "capgo_get_device"]


@each_mode
async def test_reads(capgo: Capgo, mode: Mode) -> None:
    """A reading tool answers the facts."""
    async with connected(capgo, mode) as client:
        result = await client.call_tool("capgo_get_channel", {"app_id": DEMO_APP, "channel": "production"})
    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["version"]["name"] == "2.2.8"


@each_mode
async def test_writes(capgo: Capgo, state: State, mode: Mode) -> None:
    """A writing tool changes the account and says that it did."""
    async with connected(capgo, mode) as client:
        call = {"app_id": DEMO_APP, "channel": "beta", "version": "2.3.0"}
        result = await client.call_tool("capgo_set_channel", call)
    assert result.structured_content is not None
    assert result.structured_content["done"] is True
    beta = state.channel_named(DEMO_APP, "beta") or {}
    assert state.bundles[beta["version"]]["name"] == "2.3.0"


@each_mode
async def test_destroys_nothing_without_consent(capgo: Capgo, state: State, mode: Mode) -> None:
    """Without confirm nothing is sent; with what the preview asks for, the channel goes."""
    async with connected(capgo, mode) as client:
        refused = await client.call_tool("capgo_delete_channel", {"app_id": DEMO_APP, "channel": "qa"})
        assert not refused.is_error
        pending = refused.structured_content or {}
        assert pending["done"] is False
        assert "qa" in json.dumps(pending["preview"])
        assert state.channel_named(DEMO_APP, "qa")

        consent = pending["after_consent"]
        assert consent["arguments"]["confirm"] is True
        done = await client.call_tool(consent["tool"], consent["arguments"])
    assert (done.structured_content or {})["done"] is True
    assert state.channel_named(DEMO_APP, "qa") is None


def _rows(state: State) -> str:
    tables = (state.orgs, state.apps, state.bundles, state.channels, state.devices, state.overrides, state.members)
    return repr((*tables, state.keys, state.webhooks, state.deliveries, state.builds))


@pytest.mark.parametrize("operation", [one for one in WRITES if one.spec.effect is Effect.DELETE],
                         ids=lambda operation: operation.spec.name)  # fmt: skip
@pytest.mark.parametrize("consent", [{}, {"confirm": False}, {"confirm": None}, {"confirm": "true"}, {"confirm": 1}])
async def test_no_deletion_happens_unless_confirm_is_true(
    operation: AnyTool, consent: dict[str, Any], capgo: Capgo, state: State
) -> None:
    """Every deleting tool leaves every row as it is unless confirm is the boolean true."""
    before = _rows(state)
    async with connected(capgo) as client:
        result = await client.call_tool(operation.spec.name, {**samples.required(operation), **consent})
    assert result.is_error or (result.structured_content or {})["done"] is False
    assert _rows(state) == before


@pytest.mark.parametrize("operation", [one for one in WRITES if one.spec.effect is Effect.DELETE],
                         ids=lambda operation: operation.spec.name)  # fmt: skip
async def test_every_preview_leads_to_the_deletion(operation: AnyTool, capgo: Capgo, state: State) -> None:
    """What a preview says to call after consent is accepted as it stands, and does it."""
    before = _rows(state)
    async with connected(capgo) as client:
        pending = (await client.call_tool(operation.spec.name, samples.required(operation))).structured_content or {}
        jsonschema.validate(pending["after_consent"]["arguments"], samples.input_schema(operation))
        done = await client.call_tool(pending["after_consent"]["tool"], pending["after_consent"]["arguments"])
    assert not done.is_error, text(done)
    assert _rows(state) != before


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("capgo_update_app", {"app_id": DEMO_APP, "retention": 30}),
        ("capgo_update_app", {"app_id": DEMO_APP, "retention": 0}),
        ("capgo_set_channel", {"app_id": DEMO_APP, "channel": "beta", "detach_bundle": True}),
    ],
)
async def test_dangerous_values_need_consent(name: str, given: dict[str, Any], capgo: Capgo, state: State) -> None:
    """A retention under a day (T3) and detaching a bundle (T16) are asked about as a deletion is."""
    before = _rows(state)
    async with connected(capgo) as client:
        pending = (await client.call_tool(name, given)).structured_content or {}
        assert pending["done"] is False
        assert _rows(state) == before
        done = await client.call_tool(name, pending["after_consent"]["arguments"])
    assert not done.is_error, text(done)
    assert (done.structured_content or {})["done"] is True


@pytest.mark.parametrize("mode", ["auto"])
@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.spec.name)
async def test_both_channels_carry_the_same_facts(operation: AnyTool, capgo: Capgo, mode: Mode) -> None:
    """For every reading tool the text is the structured content as compact JSON, and fits the output schema.

    Be it brief or with all fields.
    """
    offered = render.requestable(operation.spec.answer)
    given = samples.required(operation)
    async with connected(capgo, mode) as client:
        brief = await client.call_tool(operation.spec.name, given)
        full = await client.call_tool(operation.spec.name, {**given, "fields": offered}) if offered else brief
        listed = {one.name: one for one in (await client.list_tools()).tools}
    for result in (brief, full):
        assert not result.is_error, text(result)
        assert text(result) == compact(result.structured_content)
        jsonschema.validate(result.structured_content, listed[operation.spec.name].output_schema)
    # With all fields it may: raw records of the audit log hold nulls.
    assert "null" not in re.sub(r'"[^"]*"', "", text(brief))


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.spec.name)
async def test_outcomes_fit_their_schema(operation: AnyTool, capgo: Capgo) -> None:
    """What a writing tool answers fits the schema that clients validate it against."""
    async with connected(capgo) as client:
        result = await client.call_tool(operation.spec.name, samples.required(operation))
        listed = {one.name: one for one in (await client.list_tools()).tools}
    if not result.is_error:
        jsonschema.validate(result.structured_content, listed[operation.spec.name].output_schema)
        assert text(result) == compact(result.structured_content)


@each_mode
@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("capgo_get_app", {}, "invalid_arguments"),
        ("capgo_get_app", {"app_id": "com.nobody.app"}, "cannot_access_app"),
        ("capgo_get_channel", {"app_id": DEMO_APP, "channel": "nope"}, "cannot_find_version"),
        ("capgo_delete_bundle", {"app_id": DEMO_APP, "versoin": "1.0.0"}, "invalid_arguments"),
    ],
)
async def test_errors_are_results_in_text_only(
    name: str, given: dict[str, Any], code: str, capgo: Capgo, mode: Mode
) -> None:
    """A failed call says [code] what happened and, on the next line, what to do."""
    async with connected(capgo, mode) as client:
        result = await client.call_tool(name, given)
    assert result.is_error
    assert result.structured_content is None
    first, second = text(result).split("\n")
    assert re.fullmatch(rf"\[{code}\] .+[.)?]", first)
    assert second.startswith("Hint: ")


@each_mode
@pytest.mark.parametrize("name", ["no_such_tool", "capgo_delete_everything", "", "capgo_list_apps "])
async def test_unknown_tool_is_a_protocol_error(name: str, capgo: Capgo, mode: Mode) -> None:
    """Only a tool that does not exist is an error of the protocol."""
    async with connected(capgo, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool(name, {})
    assert caught.value.error.code == t.INVALID_PARAMS == -32602


@each_mode
async def test_tools_left_out_cannot_be_called(capgo: Capgo, mode: Mode) -> None:
    """Read-only mode, excluded tools and other toolsets are not only hidden."""
    async with connected(
        capgo, mode, read_only=True, toolsets=frozenset({"apps"}), excluded=frozenset({"capgo_get_app"})
    ) as client:
        for name in ("capgo_delete_app", "capgo_get_app", "capgo_list_devices"):
            with pytest.raises(MCPError):
                await client.call_tool(name, {"app_id": DEMO_APP})
        assert [one.name for one in (await client.list_tools()).tools] == ["capgo_list_apps"]


@each_mode
async def test_scope_lock_removes_the_argument(capgo: Capgo, mode: Mode) -> None:
    """With --app the app is filled in, other apps are refused, and tools that could leave it are gone."""
    async with connected(capgo, mode, app=DEMO_APP) as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("capgo_get_channel", {"channel": "beta"})
        other = await client.call_tool("capgo_get_channel", {"channel": "beta", "app_id": "com.lighthouse.notes"})
    assert not result.is_error
    assert other.is_error
    assert all("app_id" not in one.input_schema["properties"] for one in tools)
    assert all("app_id" not in one.input_schema.get("required", ()) for one in tools)
    assert not {"capgo_list_apps", "capgo_delete_organization"} & {one.name for one in tools}


@each_mode
async def test_optional_lists_are_answered(capgo: Capgo, mode: Mode) -> None:
    """Clients that ask for resources, templates and prompts unconditionally get an answer."""
    async with connected(capgo, mode) as client:
        assert isinstance((await client.list_resources()).resources, list)
        assert isinstance((await client.list_resource_templates()).resource_templates, list)
        assert isinstance((await client.list_prompts()).prompts, list)


@each_mode
async def test_a_page_that_no_list_has_is_a_protocol_error(capgo: Capgo, mode: Mode) -> None:
    """No list says that there is another page, so whoever asks for one made it up."""
    async with connected(capgo, mode) as client:
        lists = client.list_tools, client.list_resources, client.list_resource_templates, client.list_prompts
        for listed in lists:
            with pytest.raises(MCPError) as caught:
                await listed(cursor="cursor_2")
            assert caught.value.error.code == t.INVALID_PARAMS


@pytest.mark.parametrize(
    ("toolsets", "named"), [(DEFAULT_TOOLSETS, True), (DEFAULT_TOOLSETS | {"audit"}, False), (TOOLSETS, False)]
)
def test_instructions_name_what_could_be_switched_on(toolsets: frozenset[str], *, named: bool) -> None:
    """Who asks who changed production learns that a toolset answers, and only while it is off."""
    told = instructions_for(Settings(NoKey(), toolsets=toolsets))
    assert ("audit (who changed a channel" in told) is named
    assert ("--toolsets" in told) is (toolsets != TOOLSETS)
    assert set(re.findall(r"(\w+) \(", told.partition("--toolsets")[2])) <= TOOLSETS - toolsets


@each_mode
async def test_instructions_are_there_and_short(capgo: Capgo, mode: Mode) -> None:
    """The server tells in a few sentences what an agent has to know before the first call."""
    async with connected(capgo, mode) as client:
        instructions = client.instructions or ""
        info = client.server_info
    assert 20 < len(instructions.split()) <= 150
    assert info is not None
    assert info.name == "capgo"
    names = {one.spec.name for one in every_tool()}
    assert set(re.findall(r"capgo_\w+", instructions)) <= names


@each_mode
async def test_crash_inside_a_tool_leaks_nothing(
    capgo: Capgo, mode: Mode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of this server is told as one, without its text, and the next call works."""

    async def crash(*_: object) -> object:
        raise ZeroDivisionError(SECRET)

    async with connected(capgo, mode) as client:
        with monkeypatch.context() as patched:
            patched.setattr(Capgo, "send", crash)
            result = await client.call_tool("capgo_list_apps", {})
        after = await client.call_tool("capgo_list_apps", {})
    assert result.is_error
    assert text(result).startswith("[internal_error] capgo_list_apps failed inside this server")
    assert SECRET not in text(result)
    assert not after.is_error
    assert "capgo_list_apps failed" in caplog.text


@each_mode
async def test_without_a_key_everything_but_calls_works(mode: Mode) -> None:
    """The tools are listed, and a call says what to set and how to try it without an account."""
    settings = Settings(key=NoKey())
    server = build(OneCaller(partial(Toolbox, settings.connect(), settings)), settings)
    async with Client(server, mode=mode) as client:
        assert (await client.list_tools()).tools
        result = await client.call_tool("capgo_list_apps", {})
    assert result.is_error
    assert text(result).startswith("[no_key] ")
    assert "CAPGO_API_KEY" in text(result)
    assert "--sandbox" in text(result)


async def test_arguments_may_be_absent(capgo: Capgo) -> None:
    """A call without arguments is a call with none."""
    async with connected(capgo) as client:
        assert not (await client.call_tool("capgo_list_apps")).is_error


async def test_schemas_leave_nothing_to_the_client(capgo: Capgo) -> None:
    """What is listed is what is stored, so that a client may cache it."""
    async with connected(capgo) as client:
        listed = {one.name: one for one in (await client.list_tools()).tools}
    for name, one in listed.items():
        assert one.input_schema == samples.input_schema(tool(name))
