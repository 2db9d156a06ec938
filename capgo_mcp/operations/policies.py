"""Security policies of an organization, which can lock people and CI out. Not documented by Capgo."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from capgo_mcp.api.fields import OrganizationId, sent_as
from capgo_mcp.api.operation import Effect, Guard, Operation
from capgo_mcp.operations.organizations import Organization

NO_KEY = "none"


def _guarded(because: str) -> Guard:
    """Marks a policy: whichever way it changes, somebody has to agree."""
    return Guard(lambda value: value is not None, because)


class PasswordPolicy(BaseModel):
    """What passwords of members must be like."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    enabled: Annotated[bool, Field(description="Whether it applies.")]
    min_length: Annotated[int, Field(description="Least characters.", ge=6, le=72)] = 6
    require_uppercase: Annotated[bool, Field(description="At least one upper-case letter.")] = False
    require_number: Annotated[bool, Field(description="At least one digit.")] = False
    require_special: Annotated[bool, Field(description="At least one other character.")] = False


class Policies(Organization, brief=""):
    """An organization with its policies, which Capgo tells only when one of them is changed."""

    require_apikey_expiration: bool | None = None
    max_apikey_expiration_days: int | None = None
    enforce_hashed_api_keys: bool | None = None
    enforce_encrypted_bundles: bool | None = None
    required_encryption_key: str | None = None
    enforcing_2fa: bool | None = None
    password_policy_config: dict[str, object] | None = None


class SetOrganizationPolicies(
    Operation[Policies], http="PUT /organization", needs="org.update_settings", effect=Effect.CHANGE
):
    """Set security policies of an organization: API keys, encryption, second factor, passwords.

    They can lock people and CI out at once. Only what is given changes.
    """

    org_id: OrganizationId
    require_apikey_expiration: Annotated[
        bool | None,
        Field(description="Accept only API keys that expire."),
        _guarded("keys without an expiry date stop working for this organization"),
    ] = None
    max_apikey_expiration_days: Annotated[
        int | None,
        Field(description="Longest life of new keys in days; 0 for no limit.", ge=0, le=365),
        # Null means no limit to Capgo, and from an agent that it said nothing: so 0 stands for the former.
        sent_as(lambda days: days or None),
        _guarded("new keys may live no longer than that"),
    ] = None
    enforce_hashed_api_keys: Annotated[
        bool | None,
        Field(description="Accept only keys that are stored hashed."),
        _guarded("plain keys stop working at once, perhaps the one of this server too"),
    ] = None
    enforce_encrypted_bundles: Annotated[
        bool | None,
        Field(description="Accept only encrypted bundles."),
        _guarded("uploads that are not encrypted are refused, those of CI as well"),
    ] = None
    required_encryption_key: Annotated[
        str | None,
        Field(
            description="First 20 or 21 characters of the only public key; none for any.", pattern=r"^(.{20,21}|none)$"
        ),
        # A word for the same reason.
        sent_as(lambda key: None if key == NO_KEY else key),
        _guarded("uploads that are encrypted with another key are refused"),
    ] = None
    enforcing_2fa: Annotated[
        bool | None,
        Field(description="Members need a second factor."),
        _guarded("members without a second factor are locked out until they have one"),
    ] = None
    password_policy_config: Annotated[
        PasswordPolicy | None,
        Field(description="Rules for members' passwords."),
        _guarded("members whose password breaks the rules are locked out until they change it"),
    ] = None
