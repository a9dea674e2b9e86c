"""The network of a sandbox: a namespace per host, one more as the backbone, and one interface for the controller.

Nothing else of this machine's network is touched: the machine routes nothing and has no bridge of the sandbox. The
sites, the hub and the controller are on the backbone; the nodes of a site are on a bridge in the namespace of its
deployer host, and reach nobody else.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.errors import DeployerError, LockedError
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.files import locked
from deployer.sandboxes.nspawn import command
from deployer.sandboxes.nspawn.plan import Host, Plan

_LOCK = Path("/run/deployer-sandboxes.lock")
_NAMESPACES = Path("/run/netns")
_FIRST, _LAST = 201, 250
"""10.201.0.0/16 and so on."""
BRIDGE = "bridge"


@contextmanager
def alone(stop: Stop | None = None) -> Iterator[None]:
    """Keep others of this machine from choosing a network: sandboxes of other users do not know of each other."""
    with locked(_LOCK, 60.0, stop) as is_ours:
        if not is_ours:
            raise LockedError("another sandbox is being connected")
        yield


def choose(wanted: int = 0) -> int:
    """A network that no interface or route of this machine has to do with.

    Args:
        wanted: the one that the sandbox had; 0 for any.

    Raises:
        DeployerError: it is taken, or all are.
    """
    taken = tuple(_taken())
    for number in (wanted,) if wanted else range(_FIRST, _LAST + 1):
        network = ipaddress.ip_network(f"10.{number}.0.0/16")
        if not any(network.overlaps(other) for other in taken):
            return number
    what = f"10.{wanted}.0.0/16 is" if wanted else "10.201.0.0/16 and the networks after it are"
    raise DeployerError(f"{what} in use on this machine", hint="destroy a sandbox, and create this one anew")


def _taken() -> Iterator[ipaddress.IPv4Network]:
    for route in json.loads(command.run(("ip", "-json", "-4", "route", "show", "table", "all")) or "[]"):
        if route["dst"] != "default":
            yield ipaddress.IPv4Network(route["dst"], strict=False)


def build(plan: Plan) -> None:
    """Make the namespaces and connect them.

    Raises:
        DeployerError: something could not be made.
    """
    for name in (plan.backbone, *(host.namespace for host in plan.hosts)):
        command.run(("ip", "netns", "add", name))
    # All of the /16: what is meant for a node, which only its deployer host reaches, must not leave this machine.
    own = (f"address add {plan.controller}/16 dev {plan.interface}", f"link set {plan.interface} up")
    batch("", [*_links(plan), *own])
    ports = ("controller", "hub", *(site.port for site in plan.sites))
    batch(plan.backbone, [*_bridge(ports), "link set lo up"])
    for host in plan.hosts:
        batch(host.namespace, _own(host))
    for site in plan.sites:
        gateway = f"10.{plan.network}.{site.place}.1"
        ports = tuple(f"node{number}" for number, _ in enumerate(site.nodes, start=1))
        batch(site.deployer_host.namespace, [*_bridge(ports), f"address add {gateway}/24 dev {BRIDGE}"])


def _links(plan: Plan) -> Iterator[str]:
    """Both ends of each cable at once, so that none is ever outside a namespace, except the controller's."""
    yield f"link add {plan.interface} type veth peer name controller netns {plan.backbone}"
    yield _cable(plan.hub, "hub", plan.backbone)
    for site in plan.sites:
        yield _cable(site.deployer_host, site.port, plan.backbone)
        for number, node in enumerate(site.nodes, start=1):
            yield _cable(node, f"node{number}", site.deployer_host.namespace)


def _cable(host: Host, port: str, namespace: str) -> str:
    return f"link add eth0 netns {host.namespace} type veth peer name {port} netns {namespace}"


def _bridge(ports: Iterable[str]) -> Iterator[str]:
    yield f"link add {BRIDGE} type bridge forward_delay 0"
    for port in ports:
        yield f"link set {port} master {BRIDGE} up"
    yield f"link set {BRIDGE} up"


def _own(host: Host) -> Iterator[str]:
    yield "link set lo up"
    yield f"address add {host.address}/24 dev eth0"
    yield "link set eth0 up"


def set_power(host: Host, *, is_on: bool) -> None:
    """Connect a host or take it off: one without power does not even refuse a connection."""
    batch(host.namespace, [f"link set eth0 {'up' if is_on else 'down'}"])


def is_there(plan: Plan) -> bool:
    """Whether the namespaces are there: they are not after a reboot."""
    return all((_NAMESPACES / host.namespace).exists() for host in plan.hosts)


def remove(sandbox: str) -> None:
    """Remove every namespace of a sandbox; interfaces go with them.

    Args:
        sandbox: its id.
    """
    # By itself first: the kernel empties namespaces after it has said that they are gone.
    if Path(f"/sys/class/net/dep{sandbox}").exists():
        batch("", [f"link delete dep{sandbox}"])
    prefix = f"deployer-{sandbox}"
    names = [entry.name for entry in _NAMESPACES.iterdir()] if _NAMESPACES.is_dir() else []
    for name in sorted(names):
        if name == prefix or name.startswith(f"{prefix}-"):
            command.run(("ip", "netns", "delete", name))


def has_link(namespace: str, name: str) -> bool:
    """Whether there is an interface of that name."""
    found = json.loads(command.run(("ip", "-netns", namespace, "-json", "link", "show")))
    return any(link["ifname"] == name for link in found)


def batch(namespace: str, lines: Iterable[str]) -> None:
    """Give `ip` some commands in a namespace; in none for an empty name.

    Raises:
        DeployerError: one failed.
    """
    where = ("-netns", namespace) if namespace else ()
    command.run(("ip", *where, "-batch", "-"), stdin="".join(f"{line}\n" for line in lines))
