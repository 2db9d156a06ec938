"""Every option of the server: a flag, an environment variable and a line of documentation each. Light to import."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ON: Final = frozenset({"1", "true", "yes", "on"})
# The empty one: a client that cannot leave a variable out sets it to nothing.
_OFF: Final = frozenset({"", "0", "false", "no", "off"})
_UNFILLED: Final = re.compile(r"\$\{[^}]*\}")


class SettingsError(Exception):
    """The settings contradict themselves or cannot be used; the message says which one and why."""


def flag_of(name: str) -> str:
    """`read_only` is `--read-only` on the command line."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """`read_only` is `CAPGO_MCP_READ_ONLY` in the environment."""
    return f"CAPGO_MCP_{name.upper()}"


@dataclass(frozen=True)
class Option:
    """An option that can be given as a flag or in the environment; the flag wins.

    Attributes:
        name: Its name in Python, from which the others follow.
        help: What it does, in a phrase without a full stop.
        metavar: What stands for its value; empty for a switch.
        default: Its value when nobody gives one.
        choices: The values it may have; empty when there are too many to list.
        former: What it was called before; flag and variable of that name still work.
    """

    name: str
    help: str
    metavar: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    former: str = ""

    @property
    def flag(self) -> str:
        """The flag of its name."""
        return flag_of(self.name)

    @property
    def variable(self) -> str:
        """The environment variable of its name."""
        return variable_of(self.name)

    def value(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
        """The value that flag, environment or default give; numbers are numbers.

        Raises:
            SettingsError: The environment holds something it cannot be.
        """
        if self.name in flags:
            return flags[self.name]
        source, text = self._told(environment)
        if not self.metavar:
            if text.lower() not in _ON | _OFF:
                raise SettingsError(f"{source} must be 1 or 0.")
            return text.lower() in _ON
        if not text:
            return self.default
        if self.choices and text not in self.choices:
            raise SettingsError(f"{source} must be one of {', '.join(self.choices)}.")
        try:
            return type(self.default)(text) if isinstance(self.default, int | float) else text
        except ValueError:
            raise SettingsError(f"{source} must be a number.") from None

    def given_by(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> str:
        """What the user wrote to set it, so that a mistake is told by that name: the flag or the variable."""
        source, text = self._told(environment)
        return source if text and self.name not in flags else self.flag

    def is_given(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        """Whether the user wrote anything to set it."""
        return self.name in flags or bool(self._told(environment)[1])

    def _told(self, environment: Mapping[str, str]) -> tuple[str, str]:
        """The variable that counts, so that a mistake is told by the name the user wrote, and what it says."""
        for name in filter(None, (self.name, self.former)):
            if text := told(environment, variable_of(name)):
                return variable_of(name), text
        return self.variable, ""

    def written(self, value: Any) -> tuple[str, ...]:
        """The words on a command line that give this value from any folder."""
        if not self.metavar:
            return (self.flag,)
        return (self.flag, str(Path(value).expanduser().absolute() if self.metavar == "FILE" else value))


API: Final = Option("api", "which Capgo the sandbox is, by its month", "MONTH", "2026-11", ("2026-07", "2026-11"))
"""The option of everything that starts a sandbox."""

LOG_LEVEL: Final = Option("log_level", "what goes to stderr", "LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
"""The option that silences a command, or makes it talk."""

OPTIONS: Final = (
    Option("sandbox", "use an embedded Capgo with sample data, without a network"),
    API,
    Option("read_only", "leave out every tool that writes"),
    Option("app", "work on this app only", "APP_ID"),
    Option("org", "work on this organization and its apps only", "ORG_ID"),
    Option("ask", "also ask the user, through the client, before anything is deleted, deployed or changed"),
    Option("toolsets", "toolsets to have: names with commas, default or all", "NAMES", "default"),
    Option("exclude_tools", "tools to leave out: names with commas", "NAMES", ""),
    Option("journal", "file in which to record every call that changes something", "FILE"),
    Option("reveal_secrets", "show secrets that Capgo answers"),
    Option("timeout", "seconds a call may take in all", "SECONDS", 30.0),
    Option("rate", "requests to Capgo that may be made in any minute", "NUMBER", 100.0),
    Option("allow_http", "accept an address of the API with plain http, over which others can read the key"),
    Option(
        "insight_timeout",
        "seconds more in which an insight may read devices before it tells what it has",
        "SECONDS",
        50.0,
        former="walk",
    ),
    LOG_LEVEL,
    Option("log_format", "how it is written there", "FORMAT", "text", ("text", "json")),
)
"""The options of every command that uses the tools."""

HTTP_OPTIONS: Final = (
    Option("host", "address to listen on", "ADDRESS", "127.0.0.1"),
    Option("port", "port to listen on; 0 takes a free one", "PORT", 8000),
    Option("workers", "processes that share the port", "COUNT", 1),
    Option("replicas", "servers that reach Capgo from the same address, each with as many processes", "COUNT", 1),
    Option("shared_state", "Valkey or Redis on which replicas share limits, such as redis://valkey:6379", "URL"),
    Option("egress", "name of the address from which Capgo is reached, where replicas have several", "NAME", ""),
    Option("drain_notice", "seconds to go on serving after SIGTERM, while readiness says no", "SECONDS", 5.0),
    Option("public", "let callers in from the network who bring their own Capgo key"),
    Option("allowed_hosts", "names under which callers reach this server: with commas", "NAMES", ""),
    Option("allowed_origins", "web pages that may call, such as https://chat.example.com: with commas", "ORIGINS", ""),
    Option("bearer_tokens", "file of those who may call: a line name:sha256 for each token", "FILE"),
    Option("oauth_issuer", "authorization server (OAuth 2.1) whose tokens let callers in", "URL"),
    Option("oauth_audience", "this server's address, as those tokens name it", "URL"),
    Option("oauth_scopes", "scopes those tokens must have: with commas", "NAMES", ""),
    Option("offer_pages", "tell clients of older revisions of the pages for the chat, though they cannot ask for them"),
    Option("metrics_port", "port of a page of metrics for Prometheus; each worker has its own", "PORT", 0),
)
"""The options of the HTTP server, beside those."""

VARIABLES: Final = {
    "CAPGO_API_KEY": "API key, from the Capgo console (API keys)",
    "CAPGO_API_KEY_FILE": "file that holds the key instead; it is read again at each call",
    "CAPGO_API_URL": "address of the API; by default https://api.capgo.app",
}
"""What can be set in the environment only, because it must not show on a command line."""

HTTP_VARIABLES: Final = {
    "CAPGO_MCP_STATE_KEYS": "secrets that all replicas share, with commas, the newest first",
}
"""The same, for the HTTP server alone."""


def within(least: int, number: int, most: int, giver: str) -> int:
    """A number that is within its bounds.

    Raises:
        SettingsError: It is not.
    """
    if not least <= number <= most:
        raise SettingsError(f"{giver} must be between {least} and {most}.")
    return number


def told(environment: Mapping[str, str], name: str) -> str:
    """What the environment says for a name; a placeholder that a client has left unfilled says nothing."""
    text = environment.get(name, "").strip()
    return "" if _UNFILLED.fullmatch(text) else text


def values(
    flags: Mapping[str, Any], environment: Mapping[str, str], options: Sequence[Option] = OPTIONS
) -> dict[str, Any]:
    """The value of every option.

    Raises:
        SettingsError: One of them cannot be used.
    """
    return {option.name: option.value(flags, environment) for option in options}


def givers(
    flags: Mapping[str, Any], environment: Mapping[str, str], options: Sequence[Option] = OPTIONS
) -> dict[str, str]:
    """What the user wrote to set each option."""
    return {option.name: option.given_by(flags, environment) for option in options}


def written(flags: Mapping[str, Any], options: Sequence[Option] = OPTIONS) -> tuple[str, ...]:
    """The words on a command line that give these flags."""
    return tuple(word for option in options if option.name in flags for word in option.written(flags[option.name]))
