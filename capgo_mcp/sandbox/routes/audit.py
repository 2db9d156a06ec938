"""The audit log of an organization."""

from capgo_mcp.sandbox.answers import Row, bad, bad_range, no_org_access
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call, stored_uuid
from capgo_mcp.sandbox.paging import PAGE, whole
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.schema import check, text

_MOST = 100


def read_audit(call: Call) -> Row:
    """Read the audit log, newest first; a page past the end is an error."""
    check(call.params, {"orgId": text()})
    org_id = stored_uuid(call.params["orgId"])
    if not call.may_org("org.read_audit", org_id):
        raise no_org_access("invalid_org_id", org_id=org_id)
    call.need_fresh_key(org_id)
    wanted = {"org_id": org_id, "table_name": call.params.get("tableName"), "operation": call.params.get("operation")}
    found = [e for e in call.state.audit.values() if all(e[k] == v for k, v in wanted.items() if v)]
    page = whole(call.params.get("page"), 0)
    limit = min(whole(call.params.get("limit"), PAGE), _MOST)
    # The first page may be empty; any other one is out of range then.
    if 0 < page * limit >= len(found):
        details = f"An offset of {page * limit} was requested, but there are only {len(found)} rows."
        raise bad("cannot_get_audit_logs", "Cannot get audit logs", error=bad_range(details))
    newest_first = sorted(found, key=lambda entry: entry["created_at"], reverse=True)
    data = newest_first[page * limit :][:limit]
    return {"data": data, "total": len(found), "page": page, "limit": limit}


ROUTES = (Route("GET", "/organization/audit", read_audit, Middleware.AUTH),)
