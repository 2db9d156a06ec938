"""API keys, without their secrets.

https://capgo.app/docs/public-api/api-keys/
"""

from typing import Annotated, Final

from pydantic import Field

from capgo_mcp.api.answers import Answer, Listing, Ok, Row
from capgo_mcp.api.fields import OrgId
from capgo_mcp.api.operation import Effect, Filter, Operation
from capgo_mcp.api.text import Timestamp

ApiKeyId = Annotated[
    int,
    Field(description="Numeric id, from capgo_list_api_keys; never the key itself.", ge=1, serialization_alias="id"),
]

_REFUSED: Final = "Capgo lets no API key create another one: the user chooses this in the console, under API keys."


class Binding(Answer):
    """A role that a key holds at an organization, an app or a channel."""

    role_name: str | None = None
    scope_type: str | None = None
    org_id: str | None = None
    app_id: str | None = None
    channel_id: str | None = None


class ApiKey(
    Row,
    brief="id name expires_at is_hashed_key owner_org_id bindings created_at",
    on_request="rbac_id user_id",
    secret="key",
):
    """An API key's record; `bindings` tell what it may do, `owner_org_id` the organization of a shared one."""

    id: int | None = None
    name: str | None = None
    key: str | None = None
    expires_at: Timestamp | None = None
    is_hashed_key: bool | None = False
    global_permissions: list[str] | None = None
    owner_org_id: str | None = None
    bindings: list[Binding] | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    rbac_id: str | None = None
    user_id: str | None = None

    @property
    def shared(self) -> bool:
        """Whether it is an organization's and not a person's."""
        return self.owner_org_id is not None


class ListApiKeys(
    Operation[Listing[ApiKey]],
    http="GET /apikey",
    needs="org.manage_apikeys",
    filters={"owner_org_id": Filter("owner_org_id"), "shared": Filter("shared")},
):
    """List API keys: name, expiry, id, roles. Never shows the keys themselves."""

    owner_org_id: Annotated[OrgId | None, Field(description="Only its shared keys.")] = None
    shared: Annotated[bool | None, Field(description="Only shared keys, or only others.")] = None


# It is documented, so agents look for it: what they find says where the user has to go.
class CreateApiKey(
    Operation[ApiKey],
    http="POST /apikey",
    needs="org.manage_apikeys",
    effect=Effect.CREATE,
    refuses=dict.fromkeys(("bindings", "hashed", "expires_at", "mode"), _REFUSED),
):
    """Create an API key. Capgo refuses this to API keys; the user has to do it in the console."""

    name: Annotated[str, Field(description="Name people see.", min_length=1)]


class DeleteApiKey(Operation[Ok], http="DELETE /apikey/{id}", needs="org.manage_apikeys", effect=Effect.DELETE):
    """Revoke an API key; whatever uses it stops working. A key cannot revoke itself."""

    api_key_id: ApiKeyId
