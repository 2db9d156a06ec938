"""API keys, without their secrets.

https://capgo.app/docs/public-api/api-keys/
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from capgo_mcp.api.answers import Listing, Ok, Row, Timestamp
from capgo_mcp.api.fields import OrgId
from capgo_mcp.api.operation import Effect, Guard, Operation

_ADMINS: Final = frozenset(
    {"org_admin", "org_super_admin", "app_admin", "channel_admin", "admin", "super_admin", "apikey_manager"}
)
"""Roles that can take away what others made, or make further keys."""

ApiKeyId = Annotated[
    int,
    Field(description="Numeric id, from capgo_list_api_keys; never the key itself.", ge=1, serialization_alias="id"),
]


class ApiKey(Row, brief="id name expires_at is_hashed_key created_at", on_request="rbac_id user_id", secret="key"):
    """An API key's record."""

    id: int | None = None
    name: str | None = None
    key: str | None = None
    expires_at: Timestamp | None = None
    is_hashed_key: bool | None = False
    global_permissions: list[str] | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    rbac_id: str | None = None
    user_id: str | None = None


class Binding(BaseModel):
    """A role that a key holds somewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    role_name: Annotated[str, Field(description="E.g. app_reader.", min_length=1)]
    scope_type: Annotated[Literal["org", "app", "channel"], Field(description="Where it holds.")]
    org_id: Annotated[OrgId, Field(description="UUID.")]
    app_id: Annotated[str | None, Field(description="UUID (its `id`).")] = None
    channel_id: Annotated[str | None, Field(description="UUID (its `rollout_id`).")] = None


class ListApiKeys(Operation[Listing[ApiKey]], http="GET /apikey", needs="org.manage_apikeys"):
    """List API keys: name, expiry, id. Never shows the keys themselves."""


class CreateApiKey(Operation[ApiKey], http="POST /apikey", needs="org.manage_apikeys", effect=Effect.CREATE):
    """Create an API key. Capgo refuses this to API keys: only a user can, in the console."""

    name: Annotated[str, Field(description="Name people see.", min_length=1)]
    bindings: Annotated[
        list[Binding],
        Field(description="Roles of the new key.", min_length=1),
        Guard(
            lambda bindings: any(binding.role_name in _ADMINS for binding in bindings),
            "whoever holds this key can change everything where it is an admin, and delete what is there",
        ),
    ]
    hashed: Annotated[bool | None, Field(description="Store only its hash.")] = None
    expires_at: Annotated[str | None, Field(description="E.g. 2027-01-31T00:00:00Z.")] = None


class DeleteApiKey(Operation[Ok], http="DELETE /apikey/{id}", needs="org.manage_apikeys", effect=Effect.DELETE):
    """Revoke an API key; whatever uses it stops working. A key cannot revoke itself."""

    api_key_id: ApiKeyId
