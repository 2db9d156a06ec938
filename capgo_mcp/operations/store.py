"""What the app stores say about an app. Not documented by Capgo."""

from typing import Annotated

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.operation import Operation


class StoreListing(Answer):
    """An app as its store shows it, in the words of whoever wrote them; its icon by address only."""

    name: str | None = None
    ios_bundle_id: str | None = None
    android_app_id: str | None = None
    app_id: str | None = None
    icon_url: str | None = None
    screenshot_url: str | None = None
    url: str | None = None


class GetStoreMetadata(Operation[StoreListing], http="POST /app/store-metadata"):
    """Read name, ids and icon of an app from its page in the App Store or Google Play."""

    url: Annotated[
        str,
        Field(
            description="The page, at apps.apple.com, itunes.apple.com or play.google.com.",
            # Capgo fetches what it is given, and nobody but the stores is to be asked through it.
            pattern=r"^https://(apps\.apple\.com|itunes\.apple\.com|play\.google\.com)/\S+$",
            max_length=2000,
        ),
    ]
