"""What an app's devices may do, and its store pages. Not documented by Capgo."""

from typing import Annotated

from pydantic import Field

from capgo_mcp.api.fields import AppId, sent_as
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.operations.apps import App


def _store_page(store: str) -> object:
    return Field(description=f"https address in {store}; empty for none.", pattern=r"^(https://\S+)?$", max_length=2048)


class SetAppSettings(Operation[App], http="PUT /app/{app_id}", needs="app.update_settings", effect=Effect.CHANGE):
    """Set what an app's devices may do (set their custom id, read bundles' comments), and its store pages.

    Only what is given changes.
    """

    app_id: AppId
    allow_device_custom_id: Annotated[bool | None, Field(description="Let devices set their own custom id.")] = None
    expose_metadata: Annotated[bool | None, Field(description="Tell devices the comment and link of their bundle.")] = (
        None
    )
    ios_store_url: Annotated[str | None, _store_page("the App Store"), sent_as(lambda url: url or None)] = None
    android_store_url: Annotated[str | None, _store_page("Google Play"), sent_as(lambda url: url or None)] = None
