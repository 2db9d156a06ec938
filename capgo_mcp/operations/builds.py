"""Native builds in the cloud. Not documented by Capgo."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, field_validator

from capgo_mcp.api.answers import Answer, Row
from capgo_mcp.api.errors import Conflict
from capgo_mcp.api.fields import AppId, in_one_place
from capgo_mcp.api.operation import Effect, Operation, Sender
from capgo_mcp.api.text import Timestamp, quoted

JobId = Annotated[str, Field(description="Id of the build job.", min_length=1), AfterValidator(in_one_place)]
_ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "expired"})
_MOST_CHARACTERS: Final = 20_000
"""Of a log that are told, counted from its end."""


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


class BuildLogs(Answer):
    """The last lines that a build logged."""

    lines: list[str]

    @field_validator("lines")
    @classmethod
    def _last(cls, lines: list[str], info: ValidationInfo) -> list[str]:
        """As many as were asked for and as can be read at once."""
        last = lines[-info.context.limit :] if isinstance(info.context, GetBuildLogs) else lines
        room = _MOST_CHARACTERS
        for count, line in enumerate(reversed(last)):
            room -= len(line)
            if room < 0:
                return last[len(last) - count :]
        return last


class GetBuildLogs(
    Operation[BuildLogs],
    http="GET /build/logs/{job_id}",
    needs="app.read_logs",
    effect=Effect.CHANGE,
    streams=True,
):
    """Read the last lines that a native build logged, once it has ended; asks for its status first."""

    app_id: AppId
    job_id: JobId
    # Never sent: Capgo streams the whole log, and the last lines are taken here.
    limit: Annotated[int, Field(description="Most lines, from the end.", ge=1, le=1000, exclude=True)] = 200

    _has_ended: bool = PrivateAttr(default=False)

    async def resolved(self, capgo: Sender) -> Self:
        """The same once the build has ended: whoever stops reading the log of a running one cancels it.

        Raises:
            Conflict: It has not ended, as far as Capgo tells.
            CapgoError: Its status could not be read.
        """
        # A write is resolved before anybody is asked about it, and once more when it is sent: a
        # second look would be billed.
        if self._has_ended:
            return self
        build = await capgo.send(GetBuildStatus(app_id=self.app_id, job_id=self.job_id))
        if build.status not in _ENDED:
            sentence = f"The build is {quoted(build.status or 'not known')}: a log can be read once a build has ended."
            raise Conflict("build_not_ended", sentence, "Wait some minutes, then ask again; do not poll.")
        ended = self.model_copy()
        ended._has_ended = True  # noqa: SLF001 - it is of this class
        return ended


class CancelBuild(Operation[Build], http="POST /build/cancel/{job_id}", needs="app.build_native", effect=Effect.DELETE):
    """Cancel a running native build. It cannot be resumed."""

    app_id: AppId
    job_id: JobId
