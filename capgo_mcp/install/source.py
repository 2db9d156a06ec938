"""Where this program can be had at present. README, manifests and `install` follow what stands here.

A name that is told before it is reserved is an invitation: whoever takes it is run by everybody who was told, with
their API key. So nothing names a package or an address before it is ours; RELEASING.md says in which order that is.
"""

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

PACKAGE: Final = "capgo-mcp"


@dataclass(frozen=True)
class Provenance:
    """A place from which this program can be installed.

    Attributes:
        released: Whether the package index has it, under the name PACKAGE, from us.
        git: The public repository, once its account is ours; empty before.
    """

    released: bool = False
    git: str = ""

    def requirement(self, extra: str = "") -> str:
        """What to tell an installer; in a checkout where nothing is public yet.

        Args:
            extra: An optional part to install with it.
        """
        extras = f"[{extra}]" if extra else ""
        if self.released:
            return f"{PACKAGE}{extras}"
        return f"{PACKAGE}{extras} @ git+{self.git}" if self.git else f".{extras}"


SOURCE: Final = Provenance()
"""The one place that says whether it is released and where from."""


def origin() -> str | None:
    """Where this copy was installed from, as an installer takes it; None where only the package index can tell."""
    try:
        told = distribution(PACKAGE).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    return _requirement(json.loads(told)) if told else None


def _requirement(direct: dict[str, Any]) -> str:
    """The place that an installer noted beside the package, in the form that the standard gives such notes."""
    url: str = direct["url"]
    if version_control := direct.get("vcs_info"):
        return f"{version_control['vcs']}+{url}@{version_control['commit_id']}"
    parts = urlsplit(url)
    return url2pathname(unquote(parts.path)) if parts.scheme == "file" else url
