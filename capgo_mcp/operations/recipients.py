"""Whom a push reaches. No tool by itself: the preview of a push is made from it, before anybody agrees to send."""

from typing import Annotated

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.fields import CAMEL_CASE, AppId
from capgo_mcp.api.operation import Operation


class Recipient(Answer):
    """How many devices of a person are registered for pushes."""

    count: int | None = None


class LookUpRecipient(
    Operation[Recipient],
    http="POST /notifications/recipients/lookup",
    needs="app.manage_notifications",
    alias_generator=CAMEL_CASE,
):
    """Count the devices of one person; name them in one of the two ways."""

    app_id: AppId
    external_id: Annotated[str | None, Field(description="Id the app has given them.")] = None
    recipient_key: Annotated[str | None, Field(description="Key that Capgo has given them.")] = None
