"""Environment > site > cluster > node, and the deployer host with its config repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.model.json import JsonObject

DEFAULT_FIELDS: Mapping[str, Mapping[str, str]] = {
    "xml": {
        "name": "@name",
        "cluster": "@cluster",
        "version": "release/@version",
        "application": "release/@application",
        "host": "placement/@host",
        "port": "service/@port",
        "health": "service/@health",
    },
    "yaml": {
        "name": "name",
        "cluster": "cluster",
        "version": "release.version",
        "application": "release.application",
        "host": "placement.host",
        "port": "service.port",
        "health": "service.health",
    },
}
"""Where a field stands in a manifest when the site's group_vars say nothing: by format (JSON reads as YAML does)."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A host of the inventory: how it is reached, and every variable that Ansible gives it."""

    name: str
    variables: JsonObject
    """Merged host and group variables, as `ansible-inventory --list` tells them (templates not evaluated)."""

    def text(self, variable: str, default: str = "") -> str:
        """The variable as text, or the default when it is not set."""
        value = self.variables.get(variable)
        return default if value is None else str(value)

    @property
    def is_local(self) -> bool:
        """Whether steps run on the controller itself (`ansible_connection: local`)."""
        return self.text("ansible_connection") == "local"

    @property
    def home(self) -> str:
        """The home in which `~` is meant there (`deployer_home`); empty for the login's own."""
        return self.text("deployer_home")


@dataclass(frozen=True, slots=True)
class Repository:
    """A config repository, and its clone on the deployer host."""

    name: str
    """`clusterconfig-fra1`."""
    path: str
    """Of the clone, as a person would type it on the deployer host: `~/deployer/clusterconfig-fra1`."""
    remote: str = ""
    """The URL that the clone must have as `origin`; empty where the inventory does not say (then any is right)."""
    branch: str = "main"
    manifests: tuple[str, ...] = ("*.xml", "*.yaml", "*.yml", "*.json")
    """Patterns (fnmatch, on the path in the repository) of the files that are manifests."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field name -> path in a manifest, over `DEFAULT_FIELDS`."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of a site and its nodes (inventory host names)."""

    name: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A data centre location in one environment."""

    environment: str
    name: str
    deployer_host: Machine
    repository: Repository
    clusters: tuple[Cluster, ...] = ()
    machines: Mapping[str, Machine] = field(default_factory=dict)
    """Every host of the site by name, the deployer host among them."""
    variables: JsonObject = field(default_factory=dict)
    """The variables of the site's group (the deployer host's merged view of them)."""
    taken: frozenset[str] = frozenset()
    """Names of every host and group of the environment, casefolded: no instance can have one (`Target.unusable`)."""

    def cluster_of(self, host: str) -> str:
        """The name of the cluster that the host is a node of; empty for none."""
        return next((cluster.name for cluster in self.clusters if host in cluster.nodes), "")


@dataclass(frozen=True, slots=True)
class Inventory:
    """One environment as the inventory directory describes it."""

    environment: str
    source: str
    """The directory it was read from."""
    sites: Mapping[str, Site]
    age: float = 0.0
    """Seconds since Ansible was asked; 0 when it was asked just now."""
    is_production: bool = False
    """Whether operations ask before they start (`deployer_production: true`)."""
