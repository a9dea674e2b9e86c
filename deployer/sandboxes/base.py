"""What a sandbox is, and what a backend that makes one can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from deployer.sandboxes.apart import Stop
from deployer.sandboxes.faults import Fault

ENVIRONMENT = "sandbox"
"""What the names of their environments begin with, and the name of the inventory's directory in each."""
DEFAULT_TTL = timedelta(days=90)
"""As the certificates of clusters: what lives longer is no sandbox."""


def environment_of(name: str) -> str:
    """The environment that a sandbox is."""
    return f"{ENVIRONMENT}-{name}"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A throwaway environment with sites of its own."""

    name: str
    backend: str
    folder: Path
    """Everything of it is in here."""
    environment: str
    """`sandbox-` and the name: runs, locks and versions of one are not those of another."""
    inventory: Path
    """The directory for `-i`."""
    sites: tuple[str, ...]
    instances: int
    """Per site; of all sites where clusters were asked for."""
    created: datetime
    """In UTC."""
    expires: datetime
    """In UTC: from then on `prune` destroys it."""
    clusters: int = 0
    """Of all sites; 0 for one of each."""
    is_complete: bool = True
    """False when its `create` or `destroy` was interrupted: all that can be done with it is to destroy it."""

    @property
    def total(self) -> int:
        """Instances of all sites."""
        return self.instances if self.clusters else self.instances * len(self.sites)


class Power(StrEnum):
    """What can be done to a host."""

    STOP = "stop"
    """Shut it down."""
    KILL = "kill"
    """Pull the plug."""
    START = "start"
    """Switch it on again; its files are as they were."""


Say = Callable[[str], object]
"""Takes a sentence for a person who waits."""


class Backend(Protocol):
    """Makes the hosts of sandboxes: one member of the family.

    The facade gives it a folder that exists and belongs to the sandbox, keeps others away while it works, and removes
    the folder after `destroy`.
    """

    def ports(self, sandbox: Sandbox) -> int:
        """How many ports of the loopback interface such a sandbox needs.

        Raises:
            UsageError: this backend cannot make such a one.
        """

    def create(self, sandbox: Sandbox, ports: Sequence[int], say: Say, stop: Stop) -> None:
        """Fill the folder and start what must run.

        Args:
            sandbox: what is to be there afterwards.
            ports: as many as `ports` asked for; they are the sandbox's own until it is destroyed.
            say: is told what takes long.
            stop: is checked between steps.

        Raises:
            StoppedError: it was stopped; nothing writes into the folder any more.
            DeployerError: it could not be done; the facade destroys what is there.
        """

    def start(self, sandbox: Sandbox) -> None:
        """Start again what must run and does not: after a reboot, or after it was killed.

        Raises:
            DeployerError: something did not start.
        """

    def fault(self, sandbox: Sandbox, site: str, fault: Fault) -> None:
        """Put the link of a site into a state.

        Raises:
            UsageError: no such site, or this backend has no links.
            DeployerError: it could not be done.
        """

    def power(self, sandbox: Sandbox, name: str, power: Power) -> None:
        """Stop, kill or start a host.

        Raises:
            UsageError: no such host.
            DeployerError: it could not be done.
        """

    def destroy(self, sandbox: Sandbox) -> None:
        """End every process of the sandbox, also of one that is half made. The folder is the facade's.

        Raises:
            DeployerError: a process could not be ended.
        """

    def sweep(self) -> tuple[str, ...]:
        """End what still runs of sandboxes whose folders were removed by hand.

        Returns:
            The folders that there were.

        Raises:
            DeployerError: a process could not be ended.
        """
