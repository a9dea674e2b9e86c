"""The member of the family: makes, starts, hurts and destroys sandboxes of real hosts."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from deployer.errors import DeployerError, UsageError
from deployer.sandboxes import layout
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.base import Power, Sandbox, Say
from deployer.sandboxes.content import releases, repositories
from deployer.sandboxes.content.history import VERSION
from deployer.sandboxes.content.manifest_text import Instance
from deployer.sandboxes.faults import Fault
from deployer.sandboxes.files import write_atomically
from deployer.sandboxes.nspawn import command, files, host, image, inventory, limits, links, network, registry
from deployer.sandboxes.nspawn.cgroups import Group
from deployer.sandboxes.nspawn.plan import Plan, SitePlan, check, sandbox_id

_FILE = "nspawn.json"
_FIRST_PORT = 8101


class Nspawn:
    """Debian hosts with systemd and sshd."""

    def ports(self, sandbox: Sandbox) -> int:
        """None: every host has a loopback interface of its own."""
        check(sandbox)
        return 0

    def create(self, sandbox: Sandbox, ports: Sequence[int], say: Say, stop: Stop) -> None:
        """Build the image if need be, then the hosts and what is on them, and start them."""
        del ports
        _check_machine()
        source = image.ready(say, stop)
        with network.alone(stop):
            plan = Plan(sandbox, network.choose())
            write_atomically(sandbox.folder / _FILE, json.dumps({"network": plan.network}) + "\n")
            _claim(plan)
        files.make_keys(plan)
        files.fill(plan)
        _content(plan, stop)
        inventory.write(plan)
        for one in plan.hosts:
            host.prepare(one, source)
        self._start(plan, stop)

    def start(self, sandbox: Sandbox) -> None:
        """Start the hosts that do not run."""
        self._start(_plan(sandbox), Stop())

    def _start(self, plan: Plan, stop: Stop) -> None:
        if not network.is_there(plan):
            # What still runs, if somebody removed a namespace, is in one that nothing leads to any more.
            Group(plan.id).kill()
            with network.alone():
                network.remove(plan.id)
                network.choose(plan.network)
                _claim(plan)
        for one in plan.hosts:
            stop.check()
            if not host.is_running(one):
                host.launch(plan, one)
        host.wait(plan.hosts, stop)

    def fault(self, sandbox: Sandbox, site: str, fault: Fault) -> None:
        """Put the link between a site and all others, the controller among them, into a state."""
        plan = _plan(sandbox)
        links.apply(plan, plan.site(site), fault)

    def power(self, sandbox: Sandbox, name: str, power: Power) -> None:
        """Stop, kill or start a host; its files stay."""
        plan = _plan(sandbox)
        one = plan.host(name)
        if power is Power.STOP:
            host.stop(one)
        elif power is Power.KILL:
            host.kill(one)
        elif not host.is_running(one):
            host.launch(plan, one)
            host.wait([one], Stop())

    def destroy(self, sandbox: Sandbox) -> None:
        """End every process, and remove groups and namespaces."""
        _remove(sandbox_id(sandbox.folder))

    def sweep(self) -> tuple[str, ...]:
        """End what is left of sandboxes whose folders were removed by hand."""
        if os.geteuid() != 0:
            return ()
        found = registry.orphans()
        for name in found:
            _remove(name)
        return tuple(found.values())


def _remove(sandbox: str) -> None:
    group = Group(sandbox)
    group.kill()
    with network.alone():
        group.remove()
        network.remove(sandbox)
        limits.restore()
        registry.leave(sandbox)


def _claim(plan: Plan) -> None:
    """Take what sandboxes of this machine share."""
    registry.enter(plan)
    limits.make_room(len(plan.hosts))
    Group(plan.id).make()
    network.build(plan)


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise UsageError("the backend nspawn needs root", hint="sudo, or --backend local, which needs no privileges")
    command.check_programs()


def _plan(sandbox: Sandbox) -> Plan:
    try:
        content = json.loads((sandbox.folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeployerError(f"{_FILE} of sandbox {sandbox.name} cannot be read: {error}") from error
    return Plan(sandbox, content["network"])


def _content(plan: Plan, stop: Stop) -> None:
    """Releases and repositories."""
    releases.build(layout.releases(plan.sandbox.folder))
    for site in plan.sites:
        repositories.build(site.layout, _instances(plan, site), plan.spread.form(site.name), stop)
        repositories.point(site.layout, files.remote(site))
        files.own_home(site)


def _instances(plan: Plan, site: SitePlan) -> tuple[Instance, ...]:
    counts = dict.fromkeys((node.name for node in site.nodes), 0)
    found = []
    for name, place in plan.spread.instances(site.name):
        node = site.nodes[place]
        port = _FIRST_PORT + counts[node.name]
        counts[node.name] += 1
        found.append(Instance(name, site.name, node.cluster, node.name, port, VERSION))
    return tuple(found)
