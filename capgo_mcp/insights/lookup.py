"""Finds a bundle by its name, for which the API has no endpoint."""

from typing import Final

from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.operation import Sender
from capgo_mcp.api.text import quoted
from capgo_mcp.operations.bundles import Bundle, ListBundles

NEWEST: Final = 50
"""Bundles that one request brings."""

_NAMES: Final = 5


async def newest_bundles(capgo: Sender, app_id: str) -> list[Bundle]:
    """The bundles that were uploaded last, newest first."""
    return (await capgo.send(ListBundles(app_id=app_id, limit=NEWEST))).items


async def bundle_named(capgo: Sender, app_id: str, version: str, newest: list[Bundle]) -> Bundle:
    """The bundle of a name: among the newest ones, which are at hand, or else among the older ones.

    Raises:
        NotFound: There is none.
        CapgoError: The older ones could not be read.
    """
    bundle = _among(newest, version)
    if bundle is None and len(newest) == NEWEST:
        bundle = _among((await capgo.send(ListBundles(app_id=app_id, limit=MOST))).items, version)
    if bundle is None:
        names = ", ".join(quoted(str(one.name)) for one in newest[:_NAMES])
        sentence = f"Among the app's newest {MOST} bundles there is none called {quoted(version)}."
        raise NotFound("bundle_not_found", sentence, f"The newest ones are {names}." if names else "The app has none.")
    return bundle


def _among(bundles: list[Bundle], version: str) -> Bundle | None:
    return next((bundle for bundle in bundles if bundle.name == version), None)
