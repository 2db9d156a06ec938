"""Native builds in the cloud. Not documented by Capgo."""

from typing import Annotated, Literal

from pydantic import Field

from capgo_mcp.api.answers import Row, Timestamp
from capgo_mcp.api.fields import AppId
from capgo_mcp.api.operation import Effect, Operation

JobId = Annotated[str, Field(description="Id of the build job.", min_length=1)]


class Build(Row, identity="job_id", on_request="upload_url machine"):
    """A native build."""

    job_id: str | None = None
    status: str | None = None
    message: str | None = None
    error: str | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    runner_wait_seconds: int | None = None
    build_time_seconds: int | None = None
    upload_url: str | None = None
    machine: str | None = None


class GetBuildStatus(Operation[Build], http="GET /build/status", needs="app.read", effect=Effect.CHANGE):
    """Status of a native build. Asking also bills its time and cancels it when it is overdue."""

    app_id: AppId
    job_id: JobId
    platform: Annotated[Literal["ios", "android"] | None, Field(description="Platform of the build.")] = None


class CancelBuild(Operation[Build], http="POST /build/cancel/{job_id}", needs="app.build_native", effect=Effect.DELETE):
    """Cancel a running native build. It cannot be resumed."""

    app_id: AppId
    job_id: JobId
