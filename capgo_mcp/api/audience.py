"""Hints are written for an agent, who can ask its user; this says them to the person who typed the command."""

import re
from typing import Final

_RULES: Final = (
    (
        r"show the preview to the user and ask whether to go on; only after they agree make the call in after_consent",
        "look at the preview; the call to go on is below",
    ),
    (r"ask the user whether ", "check whether "),
    (r"ask the user for ", "get "),
    (r"ask the user to ", ""),
    (r"tell the user[:,](?: and)? ", ""),
    (r"tell the user what ", "report what "),
    (r"tell the user\.", ""),
    (r"show the user the name in the preview", "look at the preview"),
    (r"unless the user brings it up", "unless you changed your mind"),
    (r"the user can ", "you can "),
    (r"if they trust it", "if you trust it"),
    (r"of their MCP client", "of your MCP client"),
    # Last, for what follows in the same sentence: "ask the user to do this, or to do that".
    (r"(, or|\band) to (?=\w)", r"\1 "),
)
"""Phrases about the user, and what is said to the user instead."""


def to_person(hint: str) -> str:
    """A hint as the person reads it whom the agent would ask."""
    for phrase, instead in _RULES:
        hint = re.sub(rf"(?i:{phrase})(\w?)", lambda found, to=instead: _said(found, to), hint)  # type: ignore[misc]  # a default binds it
    return hint.strip()


def _said(found: re.Match[str], instead: str) -> str:
    """What stands in the place of a phrase, with a capital letter where it had one."""
    *_, following = found.groups()
    text = found.expand(instead) + following
    return text[:1].upper() + text[1:] if found[0][0].isupper() else text
