"""The only ways to change a row that the audit log watches."""

from typing import Any

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.state import State

_TABLES = {"apps": "apps", "app_versions": "bundles", "channels": "channels", "org_users": "members", "orgs": "orgs"}
_KEYS = {"apps": "app_id"}

SYSTEM: Row = {
    "actor_type": "system",
    "actor_user_id": None,
    "actor_user_email": None,
    "actor_apikey_id": None,
    "actor_apikey_name": None,
}


def insert(call: Call, table: str, row: Row) -> Row:
    """Add a row."""
    _rows(call.state, table)[row[_KEYS.get(table, "id")]] = row
    audit_entry(call.state, table, "INSERT", None, row, actor_of(call.state, call.key))
    return row


def update(call: Call, table: str, row: Row, **values: Any) -> Row:
    """Change columns of a row, and with them its time of change."""
    old = dict(row)
    row.update(values, updated_at=call.state.now())
    audit_entry(call.state, table, "UPDATE", old, row, actor_of(call.state, call.key))
    return row


def delete(call: Call, table: str, row: Row, actor: Row | None = None) -> None:
    """Remove a row, on the caller's behalf unless another actor is named."""
    del _rows(call.state, table)[row[_KEYS.get(table, "id")]]
    audit_entry(call.state, table, "DELETE", row, None, actor or actor_of(call.state, call.key))


def audit_entry(state: State, table: str, operation: str, old: Row | None, new: Row | None, actor: Row) -> Row:
    """Write one line of the audit log."""
    row = new or old or {}
    changed = [k for k in new if new[k] != old.get(k)] if new and old else None
    entry = {
        "id": state.serial("audit"),
        "created_at": state.now(),
        "table_name": table,
        "record_id": str(row[_KEYS.get(table, "id")]),
        "operation": operation,
        "user_id": actor["actor_user_id"],
        "org_id": row.get("owner_org") or row.get("org_id") or row["id"],
        "old_record": old and dict(old),
        "new_record": new and dict(new),
        "changed_fields": changed,
        **actor,
    }
    state.audit[entry["id"]] = entry
    return entry


def actor_of(state: State, key: Row) -> Row:
    """Say who acts, as the audit log wants to know it."""
    return {
        "actor_type": "apikey",
        "actor_user_id": key["user_id"],
        "actor_user_email": state.users[key["user_id"]]["email"],
        "actor_apikey_id": key["id"],
        "actor_apikey_name": key["name"],
    }


def _rows(state: State, table: str) -> dict[Any, Row]:
    rows: dict[Any, Row] = getattr(state, _TABLES[table])
    return rows
