"""Every error says what to do, to whoever can do it, with tools that exist and roles that have the right."""

import ast
import re
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.api.rights import HOLDERS, holders
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.error_codes import BY_CODE
from capgo_mcp.client.error_contexts import BY_DETAIL, BY_OPERATION
from capgo_mcp.operations.events import CountEvents, ListEvents
from capgo_mcp.sandbox import DEVELOPER_KEY
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from scripts.docs import ROOT
from tests.support import samples
from tests.support.safety import Facts, answering, desk, text, unlimited

AGAINST: Final = "an agent that guesses what to do next"
ATTACKER: Final = "the agent"
ASSET: Final = "what is decided"

_WORD: Final = re.compile(r"\bcapgo_(?!mcp\b)[a-z_]+")
_NAMES: Final = {tool.spec.name for tool in every_tool()} | {CountEvents.spec.name, ListEvents.spec.name}
_FOR_A_PERSON: Final = re.compile(r"[Cc]onsole|CAPGO_|capgo-mcp |command line|support|configuration|--\w")
_EXPLANATIONS: Final = [*BY_CODE.values(), *BY_DETAIL.values(), *BY_OPERATION.values()]


def test_texts_name_tools_that_exist() -> None:
    """Whoever follows a hint, a note or a description finds what it names."""
    texts = [
        node.value
        for path in (ROOT / "capgo_mcp").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    named = {name for one in texts for name in _WORD.findall(one)}
    assert "capgo_list_channels" in named
    assert named - _NAMES - {"capgo_", "capgo_will_refuse"} == set()  # the latter is a fact of a preview


FAULTS: Final = {
    **{str(status): answering(status, {}) for status in (301, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503)},
    "page": httpx2.MockTransport(lambda _: httpx2.Response(200, text="<!doctype html>")),
    "empty": answering(200, {}),
    **{code: answering(400, {"error": code, "message": "No"}) for code in BY_CODE},
    **{f"{code}: {detail}": answering(400, {"error": code, "message": detail}) for code, detail in BY_DETAIL},
}


def hint_of(said: str) -> str:
    """What an error says to do."""
    return said.partition("\nHint: ")[2]


@pytest.mark.parametrize("tool", ["capgo_get_app", "capgo_list_members", "capgo_set_channel", "capgo_delete_webhook"])
async def test_every_refusal_says_what_to_do(tool: str) -> None:
    """No fault leaves an agent without a next step, and what only a person can do is asked of the user."""
    operation = samples.endpoint(tool)
    confirm = {"confirm": True} if operation.can_destroy() else {}
    silent, misdirected = [], []
    for name, fault in FAULTS.items():
        async with desk(inner=fault) as here:
            result = await here.call(tool, samples.required(operation) | confirm)
        hint = hint_of(text(result))
        silent += [name] if result.is_error and not hint else []
        misdirected += [name] if _FOR_A_PERSON.search(hint) and "user" not in hint else []
    assert silent == []
    assert misdirected == []


@pytest.mark.parametrize("tool", every_tool(), ids=lambda tool: tool.spec.name)
async def test_every_wrong_argument_says_what_to_do(tool: samples.AnyTool) -> None:
    """Whatever is wrong with what an agent sends."""
    good = samples.required(tool)
    spelled = {field.serialization_alias: name for name, field in tool.model_fields.items()}
    twice = next(({api: good[name], name: good[name]} for api, name in spelled.items() if api and name in good), {})
    wrong: list[Facts] = [
        {"nonsense": 1},
        {**good, "page": 1, "cursor": "x", "version_id": 1},
        {name: {} for name in tool.model_fields},
        {**good, **twice} if len(twice) > 1 else {"nonsense": 1},
        {**good, "fields": ["nonsense"]},
    ]
    async with desk() as here:
        said = [text(result) for given in wrong if (result := await here.call(tool.spec.name, given)).is_error]
    assert said
    assert [one for one in said if not hint_of(one)] == []


@pytest.mark.parametrize("given", [{"app": "com.other.app"}, {"org": "00000000-0000-4000-8000-000000000000"}])
async def test_what_lies_outside_is_told_to_the_user(given: Facts) -> None:
    """Only a person can start the server otherwise."""
    async with desk(**given) as here:
        said = await here.error("capgo_get_app", app_id=DEMO_APP)
    assert hint_of(said)


_CHANGES: Final = {"capgo_set_channel": {"version": "2.2.7"}, "capgo_update_app": {"name": "App"}}


def refused(permission: str, *, by: str, role: str, code: str) -> Any:
    """A call that a role may not make, as the real backend has it."""
    return pytest.param(by, role, code, permission, id=f"{by} as {role}")


@pytest.mark.parametrize(
    ("tool", "role", "code", "permission"),
    [
        refused("bundle.delete", by="capgo_delete_bundle", role="org_admin", code="cannot_delete_bundle"),
        refused("channel.delete", by="capgo_delete_channel", role="org_admin", code="cannot_access_app"),
        refused("channel.update_settings", by="capgo_set_channel", role="app_developer", code="cannot_access_app"),
        refused("app.read_channels", by="capgo_list_channels", role="app_preview", code="cannot_access_app"),
        refused("app.update_settings", by="capgo_update_app", role="app_developer", code="cannot_access_app"),
        refused("org.invite_user", by="capgo_invite_member", role="org_member", code="cannot_access_organization"),
    ],
)
async def test_a_missing_right_names_who_holds_it(tool: str, role: str, code: str, permission: str) -> None:
    """The person who gives rights hears the permission and every role that can be given and has it."""
    state = unlimited()
    key = next(key for key in state.keys.values() if key["key"] == DEVELOPER_KEY)
    key["bindings"] = [binding(role, LIGHTHOUSE, DEMO_APP if role.startswith("app_") else None)]
    operation = samples.endpoint(tool)
    async with desk(state=state, key=DEVELOPER_KEY) as here:
        given = samples.required(operation) | _CHANGES.get(tool, {})
        said = await here.error(tool, **given, **({"confirm": True} if operation.can_destroy() else {}))
    assert said.startswith(f"[{code}] ")
    assert holders(permission) in said
    assert role not in HOLDERS[permission]


def test_no_role_is_named_that_nobody_can_give() -> None:
    """Capgo lets no key have apikey_org_reader."""
    assert not any("apikey_org_reader" in holders(permission) for permission in HOLDERS)


@pytest.mark.parametrize("permission", ["bundle.delete", "channel.delete"])
def test_an_admin_of_the_organization_deletes_nothing_in_its_apps(permission: str) -> None:
    """Capgo gives that to super admins and to the admins of the app."""
    assert "org_admin" not in HOLDERS[permission]
    assert {"app_admin", "org_super_admin"} <= set(HOLDERS[permission])


def test_creating_a_channel_takes_another_right_than_changing_it() -> None:
    """The hint tells who lacks only the one."""
    hint = BY_OPERATION["capgo_set_channel", "cannot_access_app"].hint
    assert "app.create_channel" in hint
    assert "app_developer" in HOLDERS["app.create_channel"]
    assert "app_developer" not in HOLDERS["channel.update_settings"]


def test_a_key_without_an_expiry_date_is_good_elsewhere() -> None:
    """Only one organization refuses it, so the agent need not stop."""
    assert "expiry date; this one works for other" in BY_CODE["org_requires_expiring_key"].hint
