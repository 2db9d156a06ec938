"""Native builds."""

from datetime import timedelta

from starlette.responses import Response

from capgo_mcp.sandbox.answers import Row, bad, broken
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.times import parsed

_ENDED = frozenset({"succeeded", "failed", "cancelled"})
_SHOWN = (
    "job_id", "status", "machine", "started_at", "completed_at", "runner_wait_seconds", "build_time_seconds", "error",
    "upload_url",
)  # fmt: skip


def build_status(call: Call) -> Row:
    """Read a build; reading one that ran past its app's time limit cancels it."""
    build = _build(call, "app.read", call.text("job_id"))
    limit = timedelta(seconds=call.state.apps[build["app_id"]]["build_timeout_seconds"])
    if build["status"] not in _ENDED and call.state.moment() - parsed(build["started_at"]) > limit:
        _end(call, build, "Build timed out")
    return {name: build[name] for name in _SHOWN}


def cancel_build(call: Call) -> Row:
    """Cancel a build that has not ended."""
    build = _build(call, "app.build_native", call.path["jobId"])
    if build["status"] in _ENDED:
        raise bad("builder_error", f"Build already {build['status']}", job_id=build["job_id"])
    _end(call, build, "Build cancelled")
    return {"job_id": build["job_id"], "status": build["status"], "message": "Build cancelled"}


def build_logs(call: Call) -> Response:
    """Stream what a build has logged; whoever leaves the stream of a running build cancels it, given the right."""
    build = _build(call, "app.read_logs", call.path["jobId"])
    if build["status"] not in _ENDED and call.may_app("app.build_native", build["app_id"]):
        _end(call, build, "Log stream closed")
    stream = "".join(f"data: {line}\n\n" for line in build["logs"])
    return Response(f"{stream}event: end\n\n", media_type="text/event-stream")


def _build(call: Call, permission: str, job_id: str) -> Row:
    app_id = call.params.get("app_id")
    if not app_id:
        raise broken()
    build = call.state.builds.get(job_id)
    if not build or build["app_id"] != app_id or not call.may_app(permission, app_id):
        raise bad("unauthorized", "You don't have permission to access this build")
    return build


def _end(call: Call, build: Row, reason: str) -> None:
    took = call.state.moment() - parsed(build["started_at"])
    build.update(
        status="cancelled", completed_at=call.state.now(), build_time_seconds=round(took.total_seconds()), error=reason
    )


ROUTES = (
    Route("GET", "/build/status", build_status),
    Route("GET", "/build/logs/{jobId}", build_logs),
    Route("POST", "/build/cancel/{jobId}", cancel_build),
)
