"""A service and the manager that keeps it running."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Definition:
    """How an instance's service is started."""

    name: str
    """`instance-viatris`."""
    argv: tuple[str, ...]
    folder: Path
    """Where it is started: `current`, so that a restart starts the release that is current then."""
    log: Path
    """Where its output goes when the manager has no journal."""
    user: str = ""
    """The login it runs as; empty for that of the manager."""


class Manager(Protocol):
    """What a switch needs of a service manager."""

    def knows(self, wanted: Definition) -> bool:
        """Whether the service is defined exactly so."""

    def start(self, wanted: Definition) -> None:
        """Define the service so, and start it anew; raises ServiceError."""

    def remove(self, name: str) -> None:
        """Stop the service and forget it; one that is not known is fine."""

    def has_given_up(self, name: str) -> bool:
        """Whether the manager does not try to start the service any more."""

    def log(self, wanted: Definition) -> list[str]:
        """The last lines that the service wrote since it was started."""
