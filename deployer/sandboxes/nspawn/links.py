"""The link of a site to the backbone, and what goes wrong with it.

A cut link is a port that is down. A slow or lossy one has a process of ours between the port and the bridge, in the
namespace of the backbone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from deployer.sandboxes.faults import Fault, Kind
from deployer.sandboxes.nspawn import command, network
from deployer.sandboxes.nspawn.cgroups import Group
from deployer.sandboxes.nspawn.plan import Plan, SitePlan

_PACKAGES = Path(__file__).resolve().parents[3]
"""The folder that holds our package."""


def apply(plan: Plan, site: SitePlan, fault: Fault) -> None:
    """Put the link into a state, whatever it was in.

    Raises:
        DeployerError: it could not be done.
    """
    _heal(plan, site)
    if fault.kind is Kind.CUT:
        network.batch(plan.backbone, [f"link set {site.port} down"])
    elif fault.kind is not Kind.HEAL:
        _worsen(plan, site, fault)


def _heal(plan: Plan, site: SitePlan) -> None:
    group = _group(plan, site)
    group.kill()
    group.remove()
    if network.has_link(plan.backbone, _near(site)):
        network.batch(plan.backbone, [f"link delete {_near(site)}"])
    network.batch(plan.backbone, [f"link set {site.port} master {network.BRIDGE} up"])


def _worsen(plan: Plan, site: SitePlan, fault: Fault) -> None:
    near, far = _near(site), f"far{site.place}"
    lines = (
        f"link add {near} type veth peer name {far}",
        f"link set {far} up",
        f"link set {site.port} nomaster",
        f"link set {near} master {network.BRIDGE} up",
    )
    network.batch(plan.backbone, lines)
    delay, loss = (fault.amount, 0.0) if fault.kind is Kind.DELAY else (0.0, fault.amount)
    # The group is entered first: where `ip netns exec` is, /sys is another one.
    apart = ("setsid", "--fork", *_group(plan, site).entering(), "ip", "netns", "exec", plan.backbone)
    python = ("env", f"PYTHONPATH={_PACKAGES}", sys.executable, "-P", "-S", "-m", "deployer.sandboxes.nspawn.relay")
    # It ends when nobody holds its output any more: that is when the relay works.
    command.run((*apart, *python, site.port, far, str(delay), str(loss)))


def _near(site: SitePlan) -> str:
    return f"near{site.place}"


def _group(plan: Plan, site: SitePlan) -> Group:
    return Group(plan.id, f"link-{site.place}")
