"""What goes over the wire: paths, queries, bodies and the one header with the key."""

import json
from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from capgo_mcp.api.operation import Operation
from capgo_mcp.client.wire import key_header, write_request
from capgo_mcp.operations import every
from capgo_mcp.operations.api_keys import DeleteApiKey
from capgo_mcp.operations.apps import GetApp, UpdateApp
from capgo_mcp.operations.builds import CancelBuild, GetBuildStatus
from capgo_mcp.operations.bundles import CreateBundle, DeleteAllBundles, DeleteBundle, ListBundles
from capgo_mcp.operations.channels import DeleteChannel, SetChannel
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.operations.members import InviteMember
from capgo_mcp.operations.organizations import (
    CreateOrganization,
    DeleteOrganization,
    GetOrganization,
    ListOrganizations,
)
from capgo_mcp.operations.statistics import GetAppStatistics, GetBundleUsage, GetOrganizationStatistics
from capgo_mcp.sandbox.seed.people import LIGHTHOUSE
from tests.support import samples
from tests.support.samples import AnyOperation

APP = "com.demo.app"


def body(operation: Operation[Any]) -> Any:
    """The JSON that an operation sends."""
    return json.loads(write_request(operation).body or b"null")


def query(operation: Operation[Any]) -> dict[str, str]:
    """The query that an operation sends."""
    return dict(write_request(operation).query)


def test_path_takes_the_argument() -> None:
    """An argument in braces moves into the path and is not sent again."""
    request = write_request(GetApp(app_id=APP))
    assert (request.method, request.path, dict(request.query), request.body) == ("GET", "/app/com.demo.app", {}, None)
    assert write_request(DeleteApiKey(api_key_id=12)).path == "/apikey/12"


@pytest.mark.parametrize("job", ["a?b#c", "a b", "ä", "%2e", "a\x00b"])
def test_path_is_percent_encoded(job: str) -> None:
    """No argument can leave its place in the path."""
    path = write_request(CancelBuild(app_id=APP, job_id=job)).path
    prefix, _, last = path.rpartition("/")
    assert prefix == "/build/cancel"
    assert unquote(last) == job.strip()
    assert not {"?", "#", " "} & set(path)


@given(job=st.text(min_size=1, max_size=30).filter(str.strip))
def test_path_survives_any_text(job: str) -> None:
    """Whatever text names a job, one segment carries it, or it is refused."""
    try:
        operation = CancelBuild(app_id=APP, job_id=job)
    except ValidationError:
        return
    assert write_request(operation).path.count("/") == 3
    assert write_request(operation).path.isascii()


def test_query_writes_booleans_dates_and_numbers_as_the_api_reads_them() -> None:
    """Query values are text: true in lower case, days in ISO form."""
    first, last = date(2026, 11, 1), date(2026, 11, 7)
    sent = query(
        GetOrganizationStatistics(org_id=LIGHTHOUSE, from_date=first, to_date=last, daily=True, breakdown=True)
    )
    assert sent == {"from": "2026-11-01", "to": "2026-11-08", "noAccumulate": "true", "breakdown": "true"}


def test_last_day_is_included_in_series_and_in_usage() -> None:
    """The API leaves out the day `to` of a series (T24) and includes it in bundle usage."""
    first, last = date(2026, 11, 1), date(2026, 11, 30)
    assert query(GetAppStatistics(app_id=APP, from_date=first, to_date=last))["to"] == "2026-12-01"
    assert query(GetBundleUsage(app_id=APP, from_date=first, to_date=last))["to"] == "2026-11-30"


def test_last_possible_day_is_sent_or_refused() -> None:
    """The last day of the calendar has no day after it, and breaks nothing."""
    try:
        operation = GetAppStatistics(app_id=APP, from_date=date(2026, 11, 1), to_date=date.max)
    except ValidationError:
        return
    assert query(operation)["to"]


def test_false_flags_are_never_sent_in_a_query() -> None:
    """Capgo reads any text as true (T8): customIdMode=false would switch it on."""
    assert query(ListDevices(app_id=APP, custom_id_mode=False)) == {"app_id": APP}
    assert query(ListDevices(app_id=APP, custom_id_mode=True)) == {"app_id": APP, "customIdMode": "true"}


def test_arguments_left_out_are_not_sent() -> None:
    """Only what was given goes over the wire: no nulls, no defaults."""
    assert body(UpdateApp(app_id=APP, retention=86_400)) == {"retention": 86_400}
    assert write_request(UpdateApp(app_id=APP)).body is None
    assert body(SetChannel(app_id=APP, channel="beta")) == {"app_id": APP, "channel": "beta"}


def test_channel_without_version_keeps_its_bundle() -> None:
    """An absent version is not sent (T16), a given one is, and falsehoods are told."""
    sent = body(SetChannel(app_id=APP, channel="beta", public=False))
    assert "version" not in sent
    assert sent["public"] is False
    assert body(SetChannel(app_id=APP, channel="beta", version="2.2.0"))["version"] == "2.2.0"


def test_detaching_is_spelled_as_the_api_understands_it() -> None:
    """Only detach_bundle sends the word by which Capgo takes the bundle away."""
    sent = body(SetChannel(app_id=APP, channel="beta", detach_bundle=True))
    assert sent == {"app_id": APP, "channel": "beta", "version": "builtin"}


@pytest.mark.parametrize("name", ["", " ", "builtin", "unknown", "Builtin", " unknown "])
@pytest.mark.parametrize("field", ["version", "rollout_version"])
def test_no_bundle_name_detaches(name: str, field: str) -> None:
    """An empty name and the two words that Capgo reads as none are refused (T16)."""
    with pytest.raises(ValidationError):
        SetChannel.model_validate({"app_id": APP, "channel": "beta", field: name})


@pytest.mark.parametrize("name", ["", " ", "\t\n", None])
def test_deleting_one_bundle_can_never_delete_all(name: Any) -> None:
    """The request that deletes all is one without a version (T1): such a name is refused."""
    with pytest.raises(ValidationError):
        DeleteBundle(app_id=APP, version=name)
    assert body(DeleteBundle(app_id=APP, version="1.0.0")) == {"app_id": APP, "version": "1.0.0"}
    assert body(DeleteAllBundles(app_id=APP)) == {"app_id": APP}


@given(name=st.text(max_size=12))
def test_deleting_one_bundle_always_names_it(name: str) -> None:
    """For any text, the request has a non-empty version or is not made."""
    try:
        operation = DeleteBundle(app_id=APP, version=name)
    except ValidationError:
        return
    assert body(operation)["version"].strip()


def test_deletions_send_a_body_and_no_query() -> None:
    """Capgo takes the body whole and ignores the query beside it (T12)."""
    request = write_request(DeleteChannel(app_id=APP, channel="qa"))
    assert (dict(request.query), json.loads(request.body or b"")) == ({}, {"app_id": APP, "channel": "qa"})


def test_names_are_spelled_as_each_route_wants_them() -> None:
    """The same thing has another name on other routes (T34)."""
    assert query(GetOrganization(org_id=LIGHTHOUSE)) == {"orgId": LIGHTHOUSE}
    assert body(DeleteOrganization(org_id=LIGHTHOUSE)) == {"orgId": LIGHTHOUSE}
    invite = InviteMember(org_id=LIGHTHOUSE, email="a@example.com", invite_type="org_member")
    assert body(invite) == {"orgId": LIGHTHOUSE, "email": "a@example.com", "invite_type": "org_member"}
    assert query(GetBuildStatus(app_id=APP, job_id="j")) == {"app_id": APP, "job_id": "j"}
    assert body(CreateOrganization(name="Acme", estimated_mau=10)) == {"name": "Acme", "estimatedMau": 10}
    assert query(ListOrganizations()) == {}


def test_metadata_is_sent_as_the_database_spells_it() -> None:
    """`metadata` is the pages' word, which the backend does not know (T15)."""
    channel = SetChannel.model_validate({"app_id": APP, "channel": "beta", "disable_auto_update": "metadata"})
    assert body(channel)["disableAutoUpdate"] == "version_number"


@pytest.mark.parametrize("version", ["v1.0.0", "1.2", "01.0.0", "1.0.0-", "1.0.0+", "1.0.0 beta", "latest", "1.0.0-01"])
def test_new_bundle_needs_a_semantic_version(version: str) -> None:
    """Capgo's rule for new names is applied before anything is sent."""
    with pytest.raises(ValidationError):
        CreateBundle(app_id=APP, version=version, external_url="https://x.example/b.zip", checksum="aa")


@pytest.mark.parametrize("version", ["1.0.0", "0.0.1", "2.3.0-beta.1", "1.0.0+build.5", "1.0.0-a.b-c.0+x"])
def test_semantic_versions_are_taken(version: str) -> None:
    """Pre-release and build parts belong to a version."""
    operation = CreateBundle(app_id=APP, version=version, external_url="https://x.example/b.zip", checksum="aa")
    assert body(operation)["version"] == version


@pytest.mark.parametrize(
    "url", ["http://x.example/b.zip", "HTTPS://x.example", "ftp://x", "x.example/b.zip", "https://"]
)
def test_bundle_address_must_be_https(url: str) -> None:
    """Capgo takes exactly https://, so nothing else is sent."""
    with pytest.raises(ValidationError):
        CreateBundle(app_id=APP, version="1.0.0", external_url=url, checksum="aa")


@pytest.mark.parametrize(
    "app_id", ["app", "com.", ".com", "com..app", "com.demo.app/..", "c om.app", "my-app.x", "a.b\n"]
)
def test_app_id_must_look_like_one(app_id: str) -> None:
    """Capgo's pattern for app ids is applied before anything is sent; white space around one is removed."""
    if app_id.strip() == "a.b":
        assert GetApp(app_id=app_id).app_id == "a.b"
        return
    with pytest.raises(ValidationError):
        GetApp(app_id=app_id)


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("5a4db0cc-0000-4000-8000-000000000001", "authorization"),
        ("5A4DB0CC-0000-4000-8000-000000000001", "capgkey"),
        ("5a4db0cc-0000-4000-8000-00000000000", "capgkey"),
        ("legacy.key:1", "capgkey"),
        ("x5a4db0cc-0000-4000-8000-000000000001", "capgkey"),
    ],
)
def test_key_goes_raw_into_one_header(key: str, header: str) -> None:
    """A current key is sent as documented, a legacy one in the header that every route reads; never with Bearer."""
    assert key_header(key) == (header, key)


@pytest.mark.parametrize("operation", every(), ids=lambda operation: operation.spec.name)
def test_only_reads_use_the_query(operation: AnyOperation) -> None:
    """A GET has no body, and everything else no query."""
    request = write_request(operation.model_validate(samples.full(operation)))
    assert (request.body is None) if request.method == "GET" else not request.query


def test_paging_defaults_are_not_sent() -> None:
    """A first page needs no arguments, and a later one says which."""
    assert query(ListBundles(app_id=APP)) == {"app_id": APP}
    assert query(ListBundles(app_id=APP, page=2))["page"] == "2"
