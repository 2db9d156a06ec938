"""What a change of an organization's policies means."""

from typing import Any, Final

from capgo_mcp.operations.api_keys import ApiKey, ListApiKeys
from capgo_mcp.operations.members import ListMembers
from capgo_mcp.operations.organizations import GetOrganization
from capgo_mcp.operations.policies import NO_KEY, Policies, SetOrganizationPolicies
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import NAMES, Reading
from capgo_mcp.safety.undo import Told

_NO_WAY_BACK: Final = "There is no undo: Capgo does not tell what a policy was before."
_NAMES: Final = tuple(name for name in SetOrganizationPolicies.model_fields if name != "org_id")


async def _preview(operation: SetOrganizationPolicies, reading: Reading) -> None:
    """Whom the policies would hit: keys by name, as far as this key may see them, and how many members there are."""
    reading.tell(await reading.read("organization", GetOrganization(org_id=operation.org_id), target=True), "name")
    if operation.enforce_hashed_api_keys or operation.require_apikey_expiration:
        keys = await reading.read("API keys", ListApiKeys())
        hit = [key for key in keys.items if _is_of(key, operation.org_id) and _stops(key, operation)] if keys else []
        if keys is not None:
            reading.facts["keys_that_stop_working"] = [str(key.name) for key in hit[:NAMES]]
            reading.facts["how_many"] = len(hit)
            reading.unknown.append("keys of others: this key sees those of its owner only")
    if operation.enforcing_2fa or operation.password_policy_config:
        await reading.count("members", ListMembers(org_id=operation.org_id))


def _is_of(key: ApiKey, org_id: str) -> bool:
    """Whether a key works for the organization; of one whose roles are not told, it may."""
    return key.bindings is None or any(binding.org_id == org_id for binding in key.bindings)


def _stops(key: ApiKey, operation: SetOrganizationPolicies) -> bool:
    plain = operation.enforce_hashed_api_keys is True and not key.is_hashed_key
    return plain or (operation.require_apikey_expiration is True and key.expires_at is None)


def _answered(operation: SetOrganizationPolicies, now: Policies) -> Told:
    """Capgo answers with what is so now, where it knows the policy."""
    given = operation.model_dump(mode="json", exclude_unset=True, include=set(_NAMES))
    # To Python, False equals 0; here it says that a policy is off.
    asked = {name: None if value in (0, NO_KEY) and value is not False else value for name, value in given.items()}
    unmet = [name for name, value in asked.items() if name not in now.model_fields_set or getattr(now, name) != value]
    if not unmet:
        return Told("", notes=(_NO_WAY_BACK,))
    sentence = f"Capgo accepted the change, but does not tell that it holds for {', '.join(unmet)}."
    return Told(sentence, met=False, notes=("Look at it in the Capgo console.", _NO_WAY_BACK))


MEANINGS: Final[tuple[Meaning[Any], ...]] = (Meaning(SetOrganizationPolicies, preview=_preview, answered=_answered),)
