"""A person at the consent page of the sandbox, without the browser."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx2

from capgo_mcp.sandbox.seed.people import HARBOR, LIGHTHOUSE

CALLBACK: Final = "http://127.0.0.1:1/callback"
"""Where nobody listens."""


@dataclass
class Person:
    """Somebody who opens the address of a consent page and decides.

    Attributes:
        organizations: What is ticked.
        answer: The button that is pressed.
        ends: The addresses at which the browser ended.
    """

    organizations: tuple[str, ...] = (LIGHTHOUSE, HARBOR)
    answer: str = "allow"
    ends: list[str] = field(default_factory=list)

    def decide(self, address: str) -> str:
        """Open the page, press the button, and give the address to which that leads."""
        with httpx2.Client(follow_redirects=False) as browser:
            page = browser.get(address)
            if page.is_success:
                form = {"request": request_of(page.text), "org": list(self.organizations), "answer": self.answer}
                origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
                page = browser.post(f"{origin}/mcp/oauth/consent", data=form)
        self.ends.append(str(page.headers["location"]))
        return self.ends[-1]

    def browse(self, address: str) -> bool:
        """Decide, and follow to where the answer is waited for, as `webbrowser.open` would have it done."""
        httpx2.get(self.decide(address))
        return True


def request_of(page: str) -> str:
    """The request that a consent page is about."""
    return str(re.findall(r'name="request" value="([^"]+)"', page)[0])


def brought(address: str) -> dict[str, str]:
    """What an address brings along."""
    return dict(parse_qsl(urlsplit(address).query))
