"""What each error code of the API means to an agent, and what it is told to do."""

import json
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from capgo_mcp.api.operation import Effect
from capgo_mcp.api.rights import HOLDERS, UNASSIGNABLE, holders
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.error_codes import BY_CODE
from capgo_mcp.client.error_contexts import BY_DETAIL, BY_OPERATION
from capgo_mcp.client.refusals import Refusal, explain
from capgo_mcp.client.wire import read_answer
from capgo_mcp.operations import declared_in, events, every
from tests.support.data import DATA
from tests.support.keys import MASK
from tests.support.samples import AnyOperation, endpoint

TABLE: Final = json.loads((DATA / "operations.json").read_text(encoding="utf-8"))
DOCUMENTED: Final = sorted(
    {tuple(line.split()[:2]) for row in TABLE for line in row["errors"] or () if re.match(r"\d{3} \w+", line)}
)
"""Status and code of every error in the contract's table of operations."""

IN_TEXT: Final = [
    "no_key_provided",
    "no_jwt_apikey_or_subkey",
    "invalid_apikey",
    "invalid_jwt",
    "invalid_subkey",
    "org_requires_expiring_key",
    "cannot_access_app",
    "cannot_access_channel",
    "cannot_access_organization",
    "invalid_org_id",
    "no_access_to_app",
    "no_access_to_organization",
    "no_permission",
    "permission_denied",
    "app_access_denied",
    "cannot_delete_app",
    "cannot_delete_bundle",
    "cannot_create_bundle",
    "cannot_get_bundle",
    "cannot_promote_bundle",
    "unauthorized",
    "cannot_update_bundle_metadata",
    "user_does_not_have_access_to_this_organization",
    "subscription_required",
    "need_plan_upgrade",
    "native_build_concurrency_limit_exceeded",
    "too_many_requests",
    "rate_limited",
    "not_found",
    "unknown_error",
]
"""The codes that the contract's text names beside the table."""

INVITATIONS: Final = {
    "NO_EMAIL": NotFound,
    "ALREADY_INVITED": Conflict,
    "NO_RIGHTS": NotAllowed,
    "NO_ORG": NotFound,
    "ROLE_NOT_FOUND": NotFound,
    "TOO_RECENT_INVITATION_CANCELATION": Conflict,
}
ALL_MEANINGS: Final = [*BY_CODE.values(), *BY_DETAIL.values(), *BY_OPERATION.values()]

each = pytest.mark.parametrize("operation", every(), ids=lambda operation: operation.spec.name)


def explained(operation: AnyOperation, status: int, body: Any, retry_after: str | None = None) -> ApiError:
    """The error that a refusal becomes."""
    return explain(operation.spec, Refusal.read(status, body, retry_after, MASK))


def wire(code: str, message: str = "Said by Capgo", **more: Any) -> dict[str, Any]:
    """A refusal as Capgo writes it."""
    return {"error": code, "message": message, "moreInfo": more}


@pytest.mark.parametrize(("status", "code"), DOCUMENTED)
def test_every_code_of_the_contract_has_a_meaning(status: str, code: str) -> None:
    """No documented error is left to its status."""
    known = code in BY_CODE or any(code == of for of, _ in BY_DETAIL)
    assert known, f"{status} {code}"


@pytest.mark.parametrize("code", IN_TEXT)
def test_every_code_of_the_text_has_a_meaning(code: str) -> None:
    """The codes that the contract explains in words are known as well."""
    assert code in BY_CODE


@pytest.mark.parametrize("meaning", ALL_MEANINGS, ids=lambda meaning: meaning.sentence[:40])
def test_meanings_are_sentences(meaning: Any) -> None:
    """A meaning is one sentence without its full stop, which is added, and a hint is whole sentences."""
    assert meaning.sentence
    assert meaning.sentence[0].isupper() or meaning.sentence.split()[0].islower()
    assert not meaning.sentence.endswith(".")
    assert "\n" not in meaning.sentence + meaning.hint
    assert not meaning.hint or meaning.hint.endswith(".")


def test_tools_named_in_hints_exist() -> None:
    """A hint sends nobody to a tool that is not there."""
    named = {name for meaning in ALL_MEANINGS for name in re.findall(r"capgo_\w+", meaning.sentence + meaning.hint)}
    assert named <= {tool.spec.name for tool in every_tool()}
    operations = (*every(), *declared_in(events))
    assert {name for name, _ in BY_OPERATION} <= {operation.spec.name for operation in operations}


@each
def test_missing_permission_names_it_and_its_holders(operation: AnyOperation) -> None:
    """An agent can tell the user which role is missing for exactly this call."""
    if not operation.spec.needs:
        return
    error = explained(operation, 403, wire("permission_denied"))
    assert type(error) is NotAllowed
    assert operation.spec.needs in error.hint
    assert holders(operation.spec.needs) in error.hint


@pytest.mark.parametrize("permission", HOLDERS)
def test_no_role_is_named_that_a_key_cannot_be_given(permission: str) -> None:
    """Whoever follows the hint finds the role in the console, and there is one to find (R5)."""
    named = set(HOLDERS[permission]) & set(re.findall(r"\w+", holders(permission)))
    assert not named & UNASSIGNABLE
    assert named or permission in holders(permission)


@each
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 418, 429, 500, 502, 503])
def test_unknown_code_is_explained_by_its_status(operation: AnyOperation, status: int) -> None:
    """A code that is new upstream is kept, and its message is quoted."""
    error = explained(operation, status, wire("brand_new_code", "Something new happened"))
    kinds = {402: PlanLimit, 403: NotAllowed, 404: NotFound, 409: Conflict, 429: RateLimited}
    assert type(error) is kinds.get(status, ServerFault if status >= 500 else Refused)
    assert error.code == "brand_new_code"
    assert str(status) in error.sentence
    assert "Something new happened" in error.sentence
    assert error.sentence.endswith(".")


@each
@pytest.mark.parametrize("code", ["unknown_error", "internal_error", "brand_new_code"])
def test_fault_of_a_write_says_read_back(operation: AnyOperation, code: str) -> None:
    """After a 500 nobody knows whether the change was made, and the hint says to look first."""
    error = explained(operation, 500, wire(code, "Unknown error"))
    assert type(error) is ServerFault
    if operation.spec.effect is not Effect.READ:
        assert re.search(r"read (the channel )?back|See capgo_list", error.hint)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (None, 60.0),
        ("", 60.0),
        ("soon", 60.0),
        ("Wed, 21 Oct 2026 07:28:00", 60.0),
    ],
)
def test_rate_limit_says_how_long_to_wait(header: str | None, seconds: float) -> None:
    """The wait comes from Retry-After, and is the limiter's window where Capgo does not say."""
    error = explained(endpoint("capgo_list_apps"), 429, wire("too_many_requests", "Too many requests"), header)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds
    assert re.search(r"\d+ seconds|later", error.hint)


@pytest.mark.parametrize("header", ["inf", "nan", "1e999", "-inf"])
def test_absurd_wait_is_none(header: str) -> None:
    """A wait that is no number of seconds cannot block the server for good."""
    error = explained(endpoint("capgo_list_apps"), 429, wire("too_many_requests"), header)
    assert isinstance(error, RateLimited)
    assert 0 <= error.retry_after < 1e9


@pytest.mark.parametrize("code", ["need_plan_upgrade", "native_build_concurrency_limit_exceeded"])
def test_limit_of_the_plan_is_no_rate_limit(code: str) -> None:
    """These are 429 too, but waiting does not help, and the hint says so."""
    error = explained(endpoint("capgo_get_build_status"), 429, wire(code))
    assert type(error) is PlanLimit
    assert "waiting" in error.hint


def test_payment_may_be_a_missing_permission() -> None:
    """402 also comes when the key lacks org.read (T23): the hint says to check that first."""
    error = explained(endpoint("capgo_get_app_statistics"), 402, wire("subscription_required"))
    assert type(error) is PlanLimit
    assert "org.read" in error.hint


@pytest.mark.parametrize(("detail", "kind"), INVITATIONS.items(), ids=INVITATIONS)
def test_failed_invitation_tells_why(detail: str, kind: type[ApiError]) -> None:
    """One code stands for six reasons, of which the detail tells the one."""
    error = explained(endpoint("capgo_invite_member"), 400, wire("error_inviting_user_to_organization", data=detail))
    assert type(error) is kind
    assert detail not in error.sentence


def test_blocked_address_is_told() -> None:
    """After twenty failed logins even a good key is refused, which must not look like a rate limit."""
    more = {"reason": "too_many_failed_auth_attempts"}
    error = explained(endpoint("capgo_list_apps"), 429, wire("too_many_requests", **more), "900")
    assert isinstance(error, RateLimited)
    assert "failed logins" in error.sentence


@pytest.mark.parametrize("code", ["invalid_apikey", "no_key_provided", "invalid_jwt"])
@pytest.mark.parametrize("operation", [endpoint("capgo_list_apps"), endpoint("capgo_set_channel")])
def test_refused_key_says_stop(operation: AnyOperation, code: str) -> None:
    """Each further try brings the block of the address nearer."""
    error = explained(operation, 401, wire(code))
    assert type(error) is KeyRefused
    assert "Stop calling" in error.hint


def test_not_every_401_is_the_key() -> None:
    """App, statistics and API-key routes answer 401 for what is not allowed or does not exist (T22)."""
    for code in ("cannot_access_app", "no_access_to_app", "cannot_delete_apikey"):
        error = explained(endpoint("capgo_get_app"), 401, wire(code))
        assert type(error) is NotAllowed
        assert "key" not in error.sentence.split(".")[0] or "may not" in error.sentence


def test_reserved_name_is_told() -> None:
    """A deleted bundle keeps its name (T31), which Capgo tells by the database's code only."""
    error = explained(
        endpoint("capgo_create_bundle"), 400, wire("cannot_create_bundle", supabaseError={"code": "23505"})
    )
    assert type(error) is Conflict
    assert "deleted bundle" in error.sentence


def test_rejected_fields_are_named() -> None:
    """When a schema of Capgo's refuses, the fields and reasons are told, and nothing else of moreInfo."""
    issue = {"path": ["invite_type"], "message": "Invalid type", "received": "hush"}
    more: dict[str, Any] = {"error": {"name": "SchemaError", "issues": [issue, "hush"]}, "body": "hush"}
    error = explained(endpoint("capgo_invite_member"), 400, wire("invalid_body", **more))
    assert 'invite_type: "Invalid type"' in error.sentence
    assert "hush" not in str(error)


def test_request_id_is_quoted() -> None:
    """A question to Capgo's support needs the id of the request."""
    operation = endpoint("capgo_get_app").model_validate({"app_id": "com.demo.app"})
    with pytest.raises(ApiError) as caught:
        read_answer(operation, 401, {"x-request-id": "9f3-FRA"}, json.dumps(wire("cannot_access_app")).encode(), MASK)
    assert caught.value.request_id == "9f3-FRA"
    first, second = str(caught.value).split("\n")
    assert first.endswith("(request 9f3-FRA)")
    assert second.startswith("Hint: ")


BODY: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "message", "status", "moreInfo", "data", "reason", "supabaseError", "issues"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(status=st.integers(300, 599), body=BODY, header=st.none() | st.text(max_size=8), at=st.integers(0, 999))
def test_any_refusal_is_explained(status: int, body: Any, header: str | None, at: int) -> None:
    """Whatever stands in the body, the refusal becomes an error in a sentence."""
    operations = every()
    error = explained(operations[at % len(operations)], status, body, header)
    assert error.status == status
    assert error.sentence.endswith(".")
    assert len(str(error)) < 5000
