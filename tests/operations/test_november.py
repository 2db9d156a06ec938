"""Fields and behaviours that came after July: asked for, shown, and told where a Capgo does not know them."""

import json
from typing import Final

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.error_codes import BY_CODE
from capgo_mcp.client.wire import write_request
from capgo_mcp.operations.bundles import SetBundleChannel
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, MIRA
from tests.support.safety import Facts, answering, desk, unlimited

SIGNATURE: Final = "0f" * 256
ZIP: Final[Facts] = {
    "app_id": DEMO_APP,
    "version": "9.0.0",
    "external_url": "https://cdn.example.com/9.0.0.zip",
    "checksum": "a" * 64,
}


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
def state(request: pytest.FixtureRequest) -> State:
    """A sandbox of each behaviour."""
    seeded = unlimited()
    seeded.behaviour = request.param
    return seeded


def is_july(state: State) -> bool:
    """Whether the sandbox knows nothing of what came since."""
    return state.behaviour is Behaviour.JULY


async def test_a_signed_bundle_is_signed_or_told_as_unsigned(state: State) -> None:
    """An older Capgo drops signatures without a word: the answer says that the bundle lacks them."""
    async with desk(state=state) as here:
        signed = {"signature": SIGNATURE, "manifest_signature": SIGNATURE}
        answer = await here.facts("capgo_create_bundle", **ZIP, **signed, session_key="iv:key", key_id="abc")
    assert answer["done"] is not is_july(state)
    assert answer["result"]["encrypted"] is True
    if is_july(state):
        assert answer["changed"] == "in part"
        assert answer["now"] == 'Bundle "9.0.0" is there, but without signature and manifest_signature.'
        assert "older" in answer["note"]
    else:
        assert (answer["result"]["signed"], answer["result"]["manifest_signed"]) == (True, True)
    assert SIGNATURE not in str(answer)


@pytest.mark.parametrize("wrong", ["0f", SIGNATURE.upper(), "zz" * 256])
@pytest.mark.parametrize("name", ["signature", "manifest_signature"])
async def test_what_is_no_signature_is_not_sent(name: str, wrong: str) -> None:
    """Its form is checked before."""
    async with desk() as here:
        assert name in await here.error("capgo_create_bundle", **ZIP, **{name: wrong})
        assert here.wire.seen == []


@pytest.mark.parametrize("code", ["invalid_signature", "encryption_required", "encryption_key_mismatch"])
async def test_refusals_of_a_policy_are_told_in_words(code: str) -> None:
    """Each says what the policy asks for."""
    async with desk(inner=answering(400, {"error": code, "message": "No"})) as here:
        said = await here.error("capgo_create_bundle", **ZIP)
    assert said.startswith(f"[{code}] {BY_CODE[code].sentence}")
    assert "Hint: " in said


def test_a_deployment_names_its_target() -> None:
    """Some Capgos would take the bundle for the candidate of a running rollout (N3)."""
    request = write_request(SetBundleChannel(app_id=DEMO_APP, version_id=1, channel_id=2))
    assert json.loads(request.body or b"") == {"app_id": DEMO_APP, "version_id": 1, "channel_id": 2, "target": "stable"}


@pytest.mark.parametrize(("status", "kind"), [(400, "access"), (403, "access"), (500, "could not read")])
async def test_one_code_of_bundles_is_read_by_its_status(status: int, kind: str) -> None:
    """The same word stands for a missing right and for a fault of the server."""
    async with desk(inner=answering(status, {"error": "cannot_get_bundle", "message": "No"})) as here:
        said = await here.error("capgo_list_bundles", app_id=DEMO_APP)
    assert ("key" in said.partition("Hint")[2]) == (kind == "access")
    assert ("could not read" in said) == (status == 500)


async def test_devices_are_found_by_their_custom_id(state: State) -> None:
    """Exactly that one, also where Capgo ignores the filter."""
    async with desk(state=state) as here:
        found = await here.facts("capgo_list_devices", app_id=DEMO_APP, custom_id="mira-iphone")
        none = await here.facts("capgo_list_devices", app_id=DEMO_APP, custom_id="mira")
        assert "custom_id" in await here.error("capgo_list_devices", app_id=DEMO_APP, custom_id="x" * 37)
    assert {row["custom_id"] for row in found["items"]} == {"mira-iphone"}
    assert none["items"] == []


async def test_keys_tell_their_roles_where_capgo_does(state: State) -> None:
    """What a key may do is worth showing; the ids of its bindings are not."""
    async with desk(state=state) as here:
        keys = {key["name"]: key for key in (await here.facts("capgo_list_api_keys"))["items"]}
    laptop = keys["Jonas laptop"]
    if is_july(state):
        assert "bindings" not in laptop
        return
    assert [binding["role_name"] for binding in laptop["bindings"]] == ["app_developer", "org_member"]
    assert laptop["bindings"][0]["app_id"] == state.apps[DEMO_APP]["id"]
    assert "id" not in laptop["bindings"][0]


@pytest.mark.parametrize("asked", [{"shared": True}, {"owner_org_id": LIGHTHOUSE}])
async def test_keys_are_narrowed_to_those_an_organization_shares(state: State, asked: Facts) -> None:
    """Also where Capgo ignores the filter; one that knows of no shared keys has none."""
    async with desk(state=state) as here:
        shared = await here.facts("capgo_list_api_keys", **asked)
        others = await here.facts("capgo_list_api_keys", shared=False)
    assert [key["name"] for key in shared["items"]] == ([] if is_july(state) else ["Old contractor"])
    assert len(others["items"]) == len(state.keys) - len(shared["items"])


SETTINGS: Final[Facts] = {
    "allow_device_custom_id": False,
    "expose_metadata": True,
    "ios_store_url": "https://apps.apple.com/app/id1234567890",
    "android_store_url": "https://play.google.com/store/apps/details?id=com.demo.app",
}


async def test_what_devices_may_do_is_set_and_taken_back(state: State) -> None:
    """Each setting alone; the calls of the answer bring back what was, and nothing where there was nothing."""
    before = {name: state.apps[DEMO_APP][name] for name in SETTINGS}
    async with desk(state=state) as here:
        for name, value in SETTINGS.items():
            answer = await here.facts("capgo_set_app_settings", app_id=DEMO_APP, **{name: value})
            assert (answer["done"], state.apps[DEMO_APP][name]) == (True, value)
            (undo,) = answer["undo"]
            await here.follow(undo)
            assert {name: state.apps[DEMO_APP][name] for name in SETTINGS} == before
        assert "https" in await here.error("capgo_set_app_settings", app_id=DEMO_APP, ios_store_url="apps.apple.com")


async def test_who_began_an_app_is_not_told(state: State) -> None:
    """Capgo adds the id and the e-mail of that person to the app since July; nobody asked for them."""
    async with desk(state=state) as here:
        told = await here.facts("capgo_get_app", app_id=DEMO_APP)
        listed = await here.facts("capgo_list_apps", fields=["created_at"])
    assert "onboarding" not in told
    assert "mira@example.com" not in str(told) + str(listed)


async def test_an_icon_is_an_image_that_capgo_keeps(state: State) -> None:
    """In July an address of anywhere was taken; since then it is refused, with what is right."""
    async with desk(state=state) as here:
        call = {"app_id": DEMO_APP, "icon": "https://example.com/icon.png"}
        if is_july(state):
            assert (await here.facts("capgo_update_app", **call))["done"]
        else:
            assert (await here.error("capgo_update_app", **call)).startswith("[invalid_icon_path]")
        for icon in (f"org/{LIGHTHOUSE}/{DEMO_APP}/icon", ""):
            assert "done" in await here.facts("capgo_update_app", app_id=DEMO_APP, icon=icon)


async def test_native_usage_tells_active_devices(state: State) -> None:
    """Now and in as long before, where Capgo counts them; not the list of each day."""
    period = {"from_date": "2026-11-01", "to_date": "2026-11-10"}
    async with desk(state=state) as here:
        told = await here.facts("capgo_get_native_usage", app_id=DEMO_APP, **period)
    assert ("active_devices" in told) is not is_july(state)
    assert "daily_platform_active" not in told
    if not is_july(state):
        counts = told["active_devices"]
        assert counts["total"] == sum(counts[name] for name in ("android", "ios", "electron", "unknown"))
        assert "total" in told["previous_period_active_devices"]


async def test_organizations_beyond_fifty_are_listed_or_said_to_be_missing(state: State) -> None:
    """An older Capgo refuses every page but the first; the list says that there may be more."""
    org = state.orgs[LIGHTHOUSE]
    member = next(row for row in state.members.values() if row["org_id"] == LIGHTHOUSE)
    admin = state.keys[1]
    for number in range(60):
        org_id = f"33333333-0000-4000-8000-{number:012}"
        state.orgs[org_id] = {**org, "id": org_id, "name": f"Org {number}"}
        state.members[1000 + number] = {**member, "id": 1000 + number, "org_id": org_id, "user_id": MIRA}
        admin["bindings"].append({**admin["bindings"][0], "org_id": org_id})
    async with desk(state=state) as here:
        first = await here.facts("capgo_list_organizations")
        more = await here.facts("capgo_list_organizations", limit=100)
        second = await here.facts("capgo_list_organizations", page=1)
    assert len(first["items"]) == 50
    assert first["next"] == 1
    assert len(more["items"]) == (50 if is_july(state) else 62)
    assert ("older" in more.get("note", "")) == is_july(state)
    assert "next" not in more
    assert len(second["items"]) == (0 if is_july(state) else 12)


POLICIES: Final[list[Facts]] = [
    {"require_apikey_expiration": True},
    {"max_apikey_expiration_days": 90},
    {"max_apikey_expiration_days": 0},
    {"enforce_hashed_api_keys": True},
    {"enforce_hashed_api_keys": False},
    {"enforce_encrypted_bundles": True},
    {"required_encryption_key": "k" * 20},
    {"required_encryption_key": "none"},
    {"password_policy_config": {"enabled": True, "min_length": 12, "require_number": True}},
]
STORED: Final = {"none": None, 0: None}


@pytest.mark.parametrize("policy", POLICIES, ids=str)
async def test_a_policy_is_set_only_with_consent(policy: Facts) -> None:
    """Each of them, on or off, is shown first with what it does, and then set as Capgo confirms."""
    state = unlimited()
    (name, value) = next(iter(policy.items()))
    stored = value if isinstance(value, bool | dict) else STORED.get(value, value)
    async with desk(state=state) as here:
        shown = await here.facts("capgo_set_organization_policies", org_id=LIGHTHOUSE, **policy)
        assert here.wire.writes == []
        assert shown["preview"]["facts"]["name"] == "Lighthouse Labs"
        assert "Mind that " in shown["ask"]
        answer = await here.follow(shown["after_consent"])
        assert json.loads(here.wire.seen[-1].content) == {"orgId": LIGHTHOUSE, name: stored}
    assert answer["done"] is True
    assert state.orgs[LIGHTHOUSE][name] == stored
    assert "no undo" in answer["note"]


async def test_keys_that_a_policy_stops_are_named() -> None:
    """Who agrees learns which keys stop working, and that others may be hit that nobody here sees."""
    async with desk() as here:
        call = {"org_id": LIGHTHOUSE, "enforce_hashed_api_keys": True, "enforcing_2fa": True}
        preview = (await here.facts("capgo_set_organization_policies", **call))["preview"]
    assert "CI uploads" in preview["facts"]["keys_that_stop_working"]
    assert preview["facts"]["how_many"] == len(preview["facts"]["keys_that_stop_working"])
    assert preview["facts"]["members"] > 0
    assert any("keys of others" in told for told in preview["unknown"])


async def test_a_second_factor_cannot_be_asked_of_others_by_who_has_none() -> None:
    """Capgo's refusal is told in words."""
    async with desk() as here:
        call = {"org_id": LIGHTHOUSE, "enforcing_2fa": True, "confirm": True}
        said = await here.error("capgo_set_organization_policies", **call)
    assert said.startswith("[requires_2fa_to_enforce_2fa]")


async def test_a_policy_that_capgo_does_not_confirm_is_not_called_done() -> None:
    """An answer without the policy leaves open whether it holds."""

    def silent(request: httpx2.Request) -> httpx2.Response:
        body = {"id": LIGHTHOUSE, "name": "Lighthouse Labs"}
        return httpx2.Response(
            200, json=body if request.method == "GET" else {"status": "Organization updated", **body}
        )

    async with desk(inner=httpx2.MockTransport(silent)) as here:
        call = {"org_id": LIGHTHOUSE, "enforce_encrypted_bundles": True, "confirm": True}
        answer = await here.facts("capgo_set_organization_policies", **call)
    assert (answer["done"], answer["changed"]) == (False, "in part")
    assert "enforce_encrypted_bundles" in answer["now"]


async def test_policies_are_an_argument_of_their_tool() -> None:
    """Who looks for them where the name is changed is sent on."""
    async with desk() as here:
        said = await here.error("capgo_update_organization", org_id=LIGHTHOUSE, enforcing_2fa=True)
    assert "enforcing_2fa is an argument of capgo_set_organization_policies, in the toolset policies." in said


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("capgo_create_app", {"name": "App", "owner_org": LIGHTHOUSE, "ios_store_url": SETTINGS["ios_store_url"]}),
        ("capgo_update_app", {"expose_metadata": True}),
    ],
)
async def test_who_looks_for_a_setting_elsewhere_is_sent_on(tool: str, given: Facts) -> None:
    """The error names the tool and the toolset, which may be off."""
    async with desk() as here:
        said = await here.error(tool, app_id="com.sample.app", **given)
        assert here.wire.seen == []
    assert "capgo_set_app_settings, in the toolset app_settings" in said


SINCE: Final = (
    "invalid_query invalid_signature invalid_manifest_signature encryption_required encryption_key_required "
    "encryption_key_mismatch invalid_target cannot_set_rollout_without_stable channel_zip_required "
    "channel_delta_required invalid_update_package cannot_promote_bundle missing_rollout_version "
    "missing_stable_version cannot_find_channel invalid_custom_id channel_self_store_error invalid_icon_path "
    "no_jwt_apikey_or_subkey invalid_subkey invalid_owner_org_id app_access_denied app_not_found "
    "requires_2fa_to_enforce_2fa version_name_unavailable"
)


@pytest.mark.parametrize("code", SINCE.split())
def test_new_codes_have_words(code: str) -> None:
    """What came since July is explained as the rest is."""
    assert BY_CODE[code].sentence
