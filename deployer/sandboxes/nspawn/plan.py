"""Who is in a sandbox and under which names and addresses: all of it follows from what was asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from deployer.errors import UsageError
from deployer.sandboxes.base import ENVIRONMENT, Sandbox
from deployer.sandboxes.layout import SiteLayout
from deployer.sandboxes.spread import Spread

HUB = "hub"
LOGIN = "deployer"
"""The account on every host."""
MOST_SITES = 200
MOST_NODES = 200
"""Of a site."""


class Role(StrEnum):
    """What a host is there for."""

    HUB = "hub"
    """The git server."""
    DEPLOYER = "deployer"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Host:
    """A host that is to be."""

    name: str
    role: Role
    address: str
    """Where others reach it: the hub and deployer hosts on the backbone, nodes in their site."""
    folder: Path
    """Its files."""
    sandbox: str
    """Id of the sandbox."""
    site: str = ""
    cluster: str = ""

    @property
    def namespace(self) -> str:
        """Its network namespace."""
        return f"deployer-{self.sandbox}-{self.name}"

    @property
    def machine(self) -> str:
        """Its name for systemd-nspawn, which must be the only one on this machine."""
        return f"{self.sandbox}-{self.name}"

    @property
    def files(self) -> Path:
        """What it has besides the image."""
        return self.folder / "files"

    @property
    def log(self) -> Path:
        """Its console."""
        return self.folder / "console.log"


@dataclass(frozen=True, slots=True)
class Nodes(SiteLayout):
    """Where the things of a site are when its hosts are real: home is in the files of the deployer host."""

    @property
    def home(self) -> Path:
        """Of the login, seen from outside."""
        return self.host / "files" / "home" / LOGIN


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A site: its deployer host, and the nodes behind it."""

    name: str
    place: int
    """Counted from 1."""
    deployer_host: Host
    nodes: tuple[Host, ...]
    layout: Nodes

    @property
    def port(self) -> str:
        """The interface of the site on the backbone."""
        return f"site{self.place}"


class Plan:
    """Everything of a sandbox.

    Args:
        sandbox: what was asked for.
        network: the second number of its addresses, 10.<network>.0.0/16.
    """

    def __init__(self, sandbox: Sandbox, network: int) -> None:
        self.sandbox = sandbox
        self.network = network
        self.id = sandbox_id(sandbox.folder)
        self.spread = Spread(sandbox)

    @property
    def backbone(self) -> str:
        """The namespace that connects the sites."""
        return f"deployer-{self.id}"

    @property
    def interface(self) -> str:
        """The only interface of the sandbox outside its namespaces: the controller's."""
        return f"dep{self.id}"

    @property
    def controller(self) -> str:
        """Address of the controller."""
        return f"10.{self.network}.0.1"

    @cached_property
    def hub(self) -> Host:
        """The git server of all sites."""
        return self._host(HUB, Role.HUB, f"10.{self.network}.0.2")

    @cached_property
    def sites(self) -> tuple[SitePlan, ...]:
        """The sites in order."""
        return tuple(self._site(name, place) for place, name in enumerate(self.sandbox.sites, start=1))

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host; those that others need come first."""
        deployers = tuple(site.deployer_host for site in self.sites)
        return (self.hub, *deployers, *(node for site in self.sites for node in site.nodes))

    def host(self, name: str) -> Host:
        """The host of a name.

        Raises:
            UsageError: there is none.
        """
        found = {host.name: host for host in self.hosts}
        if name not in found:
            raise UsageError(f"{self.sandbox.name} has no host {name}; it has {', '.join(found)}")
        return found[name]

    def site(self, name: str) -> SitePlan:
        """The site of a name.

        Raises:
            UsageError: there is none.
        """
        found = {site.name: site for site in self.sites}
        if name not in found:
            raise UsageError(f"{self.sandbox.name} has no site {name}; it has {', '.join(found)}")
        return found[name]

    def _site(self, name: str, place: int) -> SitePlan:
        layout = Nodes(self.sandbox.folder, name)
        head = self._host(layout.host_name, Role.DEPLOYER, f"10.{self.network}.0.{10 + place}", name)
        nodes = tuple(
            self._host(
                f"{name}-{ENVIRONMENT}-app{number:02}",
                Role.NODE,
                f"10.{self.network}.{place}.{10 + number}",
                name,
                cluster,
            )
            for number, cluster in enumerate(self.spread.clusters(name), start=1)
        )
        return SitePlan(name, place, head, nodes, layout)

    def _host(self, name: str, role: Role, address: str, site: str = "", cluster: str = "") -> Host:
        return Host(name, role, address, self.sandbox.folder / "hosts" / name, self.id, site, cluster)


def sandbox_id(folder: Path) -> str:
    """A short name for namespaces, interfaces and groups, which all sandboxes of the machine share."""
    return hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def check(sandbox: Sandbox) -> None:
    """Refuse what there are no addresses for.

    Raises:
        UsageError: too many sites, or too many clusters in one.
    """
    spread = Spread(sandbox)
    if len(sandbox.sites) > MOST_SITES:
        raise UsageError(f"a sandbox has {MOST_SITES} sites at most, not {len(sandbox.sites)}")
    if (most := max(len(spread.clusters(site)) for site in sandbox.sites)) > MOST_NODES:
        raise UsageError(f"a site has {MOST_NODES} clusters at most, not {most}")
