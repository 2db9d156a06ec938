"""Where programs keep a user's files on this machine; what it is like is given, so that every kind can be tested."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

System = Literal["linux", "macos", "windows"]


@dataclass(frozen=True)
class Machine:
    """A user's account on a machine.

    Attributes:
        system: Its operating system; whatever is not macOS or Windows keeps files as Linux does.
        home: The user's own folder.
        environment: The user's environment variables.
    """

    system: System
    home: Path
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The machine this runs on."""
        systems: dict[str, System] = {"darwin": "macos", "win32": "windows"}
        return cls(systems.get(sys.platform, "linux"), Path.home(), environment)

    @property
    def settings(self) -> Path:
        """The folder under which desktop programs keep their settings."""
        match self.system:
            case "macos":
                return self.home / "Library" / "Application Support"
            case "windows":
                return self.named("APPDATA", self.home / "AppData" / "Roaming")
            case "linux":
                return self.xdg

    @property
    def xdg(self) -> Path:
        """The folder for settings of programs that keep to the XDG convention everywhere."""
        return self.named("XDG_CONFIG_HOME", self.home / ".config")

    def named(self, variable: str, default: Path) -> Path:
        """The folder that an environment variable names, or the default."""
        return Path(self.environment.get(variable) or default)

    def short(self, path: Path) -> str:
        """A path as people write it: with `~` for their own folder."""
        return f"~/{path.relative_to(self.home).as_posix()}" if path.is_relative_to(self.home) else str(path)
