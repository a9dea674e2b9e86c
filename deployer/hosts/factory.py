"""Machines of the inventory -> hosts that steps run on."""

from __future__ import annotations

import threading
from typing import Protocol

from deployer.hosts.doctor import examine
from deployer.hosts.local import LocalHost
from deployer.model.facts import Finding
from deployer.model.site import Machine, Site
from deployer.ports import Host
from deployer.settings import SshSettings


class HostPool:
    """Implements `deployer.ports.Hosts`: one host object, and so one connection, per machine. Thread-safe.

    Args:
        ssh: how hosts are reached.
    """

    def __init__(self, ssh: SshSettings) -> None:
        self._ssh = ssh
        self._lock = threading.Lock()
        self._hosts: dict[str, _ClosableHost] = {}

    def host(self, machine: Machine) -> Host:
        """The host; its connection is opened when first needed."""
        with self._lock:
            if machine.name not in self._hosts:
                self._hosts[machine.name] = self._make(machine)
            return self._hosts[machine.name]

    def _make(self, machine: Machine) -> _ClosableHost:
        if machine.is_local:
            return LocalHost(machine, self._ssh)
        # Loading fabric takes longer than a whole local command (design: start-up is a feature).
        from deployer.hosts.ssh import SshHost  # noqa: PLC0415  late for the reason above

        return SshHost(machine, self._ssh)

    def doctor(self, site: Site) -> tuple[Finding, ...]:
        """What the site's deployer host has and lacks; a host that is not reached is a finding too."""
        return examine(self.host(site.deployer_host), site)

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            for host in self._hosts.values():
                host.close()
            self._hosts.clear()


class _ClosableHost(Host, Protocol):
    def close(self) -> None:
        """End the connection."""
