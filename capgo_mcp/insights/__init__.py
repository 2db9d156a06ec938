"""Questions that are answered in one call from several reads of the API: the toolsets `insights` and `health`."""

from typing import Any, Final

from capgo_mcp.insights.batch import Batch
from capgo_mcp.insights.changes import ListChanges
from capgo_mcp.insights.clean_up import CleanUpBundles
from capgo_mcp.insights.events import ListDeviceEvents
from capgo_mcp.insights.explain import ExplainDevice
from capgo_mcp.insights.health import GetUpdateHealth
from capgo_mcp.insights.insight import Insight
from capgo_mcp.insights.one_bundle import GetBundle
from capgo_mcp.insights.plan import PlanRelease
from capgo_mcp.insights.release import GetReleaseStatus
from capgo_mcp.insights.search import FindDevices
from capgo_mcp.insights.summary import SummarizeDevices
from capgo_mcp.insights.updates import FindApps

INSIGHTS: Final[tuple[type[Insight[Any]], ...]] = (
    SummarizeDevices,
    FindDevices,
    GetReleaseStatus,
    ExplainDevice,
    PlanRelease,
    GetBundle,
    FindApps,
    GetUpdateHealth,
    ListDeviceEvents,
    ListChanges,
)
"""Its tools, in the order in which they are listed."""

BATCHES: Final[tuple[type[Batch[Any]], ...]] = (CleanUpBundles,)
"""Those that write what they find."""
