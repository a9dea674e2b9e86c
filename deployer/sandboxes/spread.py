"""How clusters and instances are spread over the sites of a sandbox, whatever it is made of."""

from __future__ import annotations

from deployer.sandboxes.base import Sandbox
from deployer.sandboxes.content import customers


def shares(total: int, parts: int) -> tuple[int, ...]:
    """The total in as many whole shares, the larger ones first."""
    share, rest = divmod(total, parts)
    return tuple(share + (place < rest) for place in range(parts))


class Spread:
    """What is in which site.

    Args:
        sandbox: what was asked for.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sites = sandbox.sites
        count = len(sandbox.sites)
        self._clusters = shares(sandbox.clusters or count, count)
        self._instances = shares(sandbox.instances, count) if sandbox.clusters else (sandbox.instances,) * count

    def clusters(self, site: str) -> tuple[str, ...]:
        """Names of the site's clusters, from c01."""
        return tuple(f"c{number:02}" for number in range(1, self._clusters[self._sites.index(site)] + 1))

    def instances(self, site: str) -> tuple[tuple[str, int], ...]:
        """The site's instances: name, and place of its cluster among the site's."""
        place = self._sites.index(site)
        names = customers.names(self._instances[place])
        return tuple((name, number % self._clusters[place]) for number, name in enumerate(names))

    def form(self, site: str) -> str:
        """Of the site's manifests: `xml`; the second site shows `yaml`."""
        return "yaml" if self._sites.index(site) == 1 else "xml"
