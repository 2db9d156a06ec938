"""Native builds: one that succeeded, one that failed, and one that has only just begun."""

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.sandbox.state import State
from capgo_mcp.sandbox.times import postgres

_BUILDS: tuple[Row, ...] = (
    {"id": "b1d0c0de-0000-4000-8000-000000000001", "platform": "ios", "status": "succeeded", "age": 9.3, "took": 417},
    {"id": "b1d0c0de-0000-4000-8000-000000000002", "platform": "android", "status": "failed", "age": 5.1, "took": 88},
    {
        "id": "b1d0c0de-0000-4000-8000-000000000003",
        "platform": "android",
        "status": "running",
        "age": 0.0,
        "took": None,
    },
)
_WRONG = "Keystore password is wrong"
_LOGS = ("Cloning the sources", "Installing packages", "Building for {platform}", "Signing")


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the builds."""
    for build in _BUILDS:
        took = build["took"]
        state.builds[build["id"]] = {
            "job_id": build["id"],
            "app_id": DEMO_APP,
            "platform": build["platform"],
            "status": build["status"],
            "machine": "mac-mini-m4" if build["platform"] == "ios" else "linux-8",
            "started_at": calendar.ago(build["age"]) if took else postgres(calendar.now),
            "completed_at": calendar.ago(build["age"] - took / 86400) if took else None,
            "runner_wait_seconds": 12,
            "build_time_seconds": took,
            "error": _WRONG if build["status"] == "failed" else None,
            "logs": [line.format(**build) for line in _LOGS] + ([_WRONG] if build["status"] == "failed" else []),
            "upload_url": None,
        }
