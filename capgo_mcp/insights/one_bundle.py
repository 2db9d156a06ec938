"""One bundle, found by its name or id, and whether it can go over the air to who runs another one."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import AppId, BundleId, BundleName
from capgo_mcp.api.operation import Sender
from capgo_mcp.api.text import quoted
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.native import native_change, packages
from capgo_mcp.operations.bundles import Bundle, ListBundles

_LOOK: Final = "See capgo_list_bundles; a deleted bundle is not there any more."


class NativeFit(Answer):
    """How a bundle can reach devices whose app was built with another one, and why."""

    by: Literal["over_the_air", "store_update", "unknown"]
    reason: str


class BundleRead(Bundle):
    """A bundle, and how it can reach the devices of the one that it was compared with."""

    delivery: NativeFit | None = None


class GetBundle(Insight[BundleRead], toolset="bundles"):
    """Read one bundle; compare native packages with another: does it go over the air (OTA) or need a store update?"""

    app_id: AppId
    version: BundleName | None = None
    version_id: BundleId | None = None
    compare_with: Annotated[BundleName | None, Field(description="Version whose native packages the devices have.")] = (
        None
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.version is None and self.version_id is None:
            raise ValueError("give version or version_id")
        return self

    async def gather(self, context: Context) -> BundleRead:
        """Look the bundle up, and the other one."""
        found = await _found(context.capgo, ListBundles(**self.model_dump(exclude={"compare_with"}, exclude_none=True)))
        delivery = None
        if self.compare_with is not None:
            other = await _found(context.capgo, ListBundles(app_id=self.app_id, version=self.compare_with))
            delivery = delivered(found, other)
        # What Capgo did not tell stays unset, for all that is set is shown.
        return BundleRead.model_validate({**found.model_dump(exclude_unset=True), "delivery": delivery})


def delivered(bundle: Bundle, other: Bundle) -> NativeFit:
    """How a bundle can reach devices whose app has the native packages of another one."""
    names = f"{quoted(bundle.name or '')} against {quoted(other.name or '')}"
    needed, had = packages(bundle), packages(other)
    if needed is None or had is None:
        missing = " and ".join(quoted(one.name or "") for one in (bundle, other) if one.native_packages is None)
        return NativeFit(by="unknown", reason=f"{names}: the upload of {missing} told no native packages.")
    change = native_change(needed, had)
    if change.needs_store:
        return NativeFit(by="store_update", reason=f"{names}: natively it {change}, which only a new app brings.")
    same = f"natively it {change}, which an app may have too much" if change else "it needs the same native packages"
    return NativeFit(by="over_the_air", reason=f"{names}: {same}.")


async def _found(capgo: Sender, asked: ListBundles) -> Bundle:
    bundles = (await capgo.send(asked)).items
    if not bundles:
        named = quoted(asked.version) if asked.version is not None else f"with the id {asked.version_id}"
        raise NotFound("bundle_not_found", f"The app has no bundle {named}.", _LOOK)
    return bundles[0]
