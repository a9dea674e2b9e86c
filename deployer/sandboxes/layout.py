"""Where things are in the folder of a sandbox of the backend `local`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deployer.sandboxes.base import ENVIRONMENT

PERSON = "erin"


@dataclass(frozen=True, slots=True)
class SiteLayout:
    """The paths and names of one site."""

    folder: Path
    """Of the sandbox."""
    name: str

    @property
    def host_name(self) -> str:
        """The deployer host, as the inventory calls it."""
        return f"{self.name}-{ENVIRONMENT}-dep01"

    @property
    def host(self) -> Path:
        """Everything that is on the deployer host."""
        return self.folder / "hosts" / self.host_name

    @property
    def home(self) -> Path:
        """What `~` means there."""
        return self.host / "home"

    @property
    def instances_home(self) -> Path:
        """Where instances live."""
        return self.host / "srv"

    @property
    def run(self) -> Path:
        """Socket, lock and records of the supervisor."""
        return self.host / "run"

    @property
    def log(self) -> Path:
        """Log of the supervisor."""
        return self.host / "log"

    @property
    def socket(self) -> Path:
        """Where the supervisor answers."""
        return self.run / "supervisor.sock"

    @property
    def repository(self) -> str:
        """The config repository's name."""
        return f"clusterconfig-{self.name}"

    @property
    def remote(self) -> Path:
        """The bare repository that every clone has as origin."""
        return self.folder / "remotes" / f"{self.repository}.git"

    @property
    def clone(self) -> Path:
        """The clone of automation."""
        return self.home / "deployer" / self.repository

    @property
    def persons_clone(self) -> Path:
        """The clone of a person, to play one in a demo."""
        return self.folder / "people" / PERSON / self.repository


def releases(folder: Path) -> Path:
    """The release store of a sandbox."""
    return folder / "releases"


def inventory(folder: Path) -> Path:
    """The inventory of a sandbox, for `-i`."""
    return folder / "inventory" / ENVIRONMENT
