"""Twenty questions about health and devices, each of which one call answers."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from capgo_mcp.sandbox.seed.events import FALLEN_DEVICE
from evals.jobs.script import Job, Step, call

_MIRA: Final = "d0d0cafe-0000-4000-8000-000000000001"
_DRAWER: Final = "d0d0cafe-0000-4000-8000-000000000057"
_NOTES: Final = "com.lighthouse.notes"

_TOKENS: Final = {"capgo_get_update_health": 600, "capgo_explain_device": 500}
_OTHERWISE: Final = 600


class Question(NamedTuple):
    """What somebody asks, the call that answers it, and what the answer must tell."""

    asked: str
    step: Step
    says: Mapping[str, Any]

    @property
    def job(self) -> Job:
        """The question as a job, in which nothing may change."""
        return Job(self.asked, [self.step], says=self.says)

    @property
    def most_tokens(self) -> int:
        """What the call and its answer may take, about."""
        ((tool, _),) = self.step([])
        return _TOKENS.get(tool, _OTHERWISE)


QUESTIONS: Final = (
    Question(
        "Is the release everybody has all right?",
        call("get_update_health"),
        {"verdict": "healthy", "version": "2.2.8", "do": "Nothing needs to be done."},
    ),
    Question("Is 2.3.0 failing?", call("get_update_health", version="2.3.0"), {"verdict": "failing"}),
    Question(
        "On how many phones does 2.3.0 fail?",
        call("get_update_health", version="2.3.0", days=3),
        {"failures": {"version": "2.3.0", "devices": 22, "failed": 10, "percent": 45.5}},
    ),
    Question("Can I widen the beta?", call("get_update_health", version="2.3.0-beta.6"), {"verdict": "too_few"}),
    Question("Was 2.2.7 any better?", call("get_update_health", version="2.2.7", days=30), {"verdict": "healthy"}),
    Question("Did anybody take 1.0.0?", call("get_update_health", version="1.0.0"), {"verdict": "too_few"}),
    Question("Does the notes app fail?", call("get_update_health", app_id=_NOTES), {"verdict": "unknown"}),
    Question(
        "Why does mira's phone still run 2.2.8?",
        call("explain_device", device_id=_MIRA),
        {"runs": "2.2.8", "channel": "beta", "should_get": "2.3.0-beta.6", "obstacles": []},
    ),
    Question(
        "Which bundle should user-9 have?",
        call("explain_device", custom_id="user-9"),
        {"runs": "2.2.8", "channel": "production", "should_get": "2.2.8"},
    ),
    Question(
        "Why does the phone in the drawer get nothing?",
        call("explain_device", device_id=_DRAWER),
        {"runs": "1.4.2", "native_build": "1.4.0", "channel": "production"},
    ),
    Question(
        "What should user-18's phone get from now on?", call("explain_device", custom_id="user-18"), {"runs": "2.2.8"}
    ),
    Question("What happened on the phone that fell back?", call("list_device_events", device_id=FALLEN_DEVICE), {}),
    Question(
        "Did it fail more than once?",
        call("list_device_events", device_id=FALLEN_DEVICE, event="update_fail", since="30d"),
        {"grouped": False},
    ),
    Question(
        "Did it ever crash?",
        call("list_device_events", device_id=FALLEN_DEVICE, event="app_crash", since="30d"),
        {"items": []},
    ),
    Question("How many still run 2.2.7?", call("summarize_devices", version="2.2.7"), {"devices": 39}),
    Question(
        "How is the fleet spread over versions?",
        call("summarize_devices", group_by=["version"]),
        {"devices": 260, "complete": True},
    ),
    Question(
        "On which platforms is 2.3.0?",
        call("summarize_devices", version="2.3.0", group_by=["platform"]),
        {"devices": 13},
    ),
    Question("Which phones are pinned to beta?", call("find_devices", channel="beta"), {"matches": 3}),
    Question("Which ones were not seen for two months?", call("find_devices", not_seen_since="60d"), {"matches": 2}),
    Question(
        "Show me three with an old updater plugin.",
        call("find_devices", plugin_version_below="7.0.0", limit=3),
        {"matches": 54},
    ),
)
"""Every question, those about releases first."""
