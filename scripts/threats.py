"""The threat model: who may want what, what holds against them, and what does not.

It is read from the test modules that hold a promise: each says, beside `AGAINST` whom, which `ATTACKER` of those
below it plays and which `ASSET` it guards. `LEAVES` names the words, printed bold under "What we do not promise" in
SECURITY.md, that say what the same attacker can still do.
"""

from collections.abc import Iterator
from typing import Final

from scripts.promises import Promise, promises

ATTACKERS: Final = {
    "the agent": "calls any tool with any arguments; mistaken, or talked into it by what it read",
    "who writes texts": "names a device, a bundle or a channel as they like, and an agent reads it",
    "a colleague": "changes things in Capgo while an agent is at work",
    "the client": "speaks MCP badly, floods, stalls, dies, or answers in the person's place",
    "another caller": "sends a team's server wrong keys, wrong tokens, or too much",
    "someone on the way": "listens, changes, delays or drops what goes between here and Capgo",
    "a host in Capgo's place": "answers whatever it likes: a broken gateway, or somebody's page",
    "a program on this machine": "reads files, logs and lists of processes, or comes first to a port",
    "a supplier": "changes this code, what it builds on, or publishes a package of its name",
    "a mishap": "nobody's intention: a slip, a lost answer, a figure that was read wrongly",
}
"""Whom the tests play, and what they can do."""

ASSETS: Final = {
    "the key": "whoever has it has its rights in Capgo",
    "the account": "apps, bundles, channels and members, gone for good once deleted",
    "the devices": "what runs on people's phones",
    "what is decided": "agents and people act on what the answers say",
    "people's data": "ids of devices, e-mail addresses of members",
    "the service": "that calls are answered, everybody's",
}
"""What they may be after, and why it matters."""


def told(names: dict[str, str]) -> str:
    """The attackers or the assets as a list, with what there is to say of each."""
    return "\n".join(f"- **{name}**: {what}." for name, what in names.items())


def rows() -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table: attacker, asset, the tests that hold, and what holds not."""
    found = promises()
    for attacker in ATTACKERS:
        for asset in ASSETS:
            group = [one for one in found if (one.attacker, one.asset) == (attacker, asset)]
            if group:
                yield attacker, asset, ", ".join(map(_link, group)), _left(group)


def _link(one: Promise) -> str:
    return f"[{one.name}]({one.test})"


def _left(group: list[Promise]) -> str:
    return "; ".join(dict.fromkeys(word for one in group for word in one.leaves)) or "nothing known"
