"""A sandbox whose deployer host is somewhere else: the controller reaches it by SSH."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import yaml

from tests.acceptance import waiting
from tests.sshd import Lan, SshServer

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Done

SITE = "fra1"


class Far:
    """A sandbox whose deployer host is behind an sshd."""

    def __init__(self, box: Box, lan: Lan, server: SshServer) -> None:
        self.box = box
        self.lan = lan
        self.server = server
        self.known = lan.home / "known"
        self.known.write_text(server.known)
        self.inventory = box.shell.folder / "far inventory"
        self._write(lan)

    def _write(self, lan: Lan) -> None:
        source = next((self.box.folder / "inventory").iterdir())
        hosts = yaml.safe_load((source / "hosts.yml").read_text())
        site = hosts["all"]["children"]["sites"]["children"][SITE]
        (variables,) = site["hosts"].values()
        variables.pop("ansible_connection")
        variables |= {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.server.port,
            "ansible_ssh_private_key_file": str(lan.home / ".ssh" / "id_ed25519"),
        }
        self.inventory.mkdir()
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts, sort_keys=False))
        (self.inventory / "group_vars").mkdir()
        for file in (source / "group_vars").iterdir():
            (self.inventory / "group_vars" / file.name).write_text(file.read_text())

    def deployer(self, *arguments: str, **variables: str) -> Done:
        """Run `deployer` on the controller."""
        known = {"DEPLOYER_SSH__KNOWN_HOSTS": str(self.known)}
        return self.box.shell(*arguments, "-i", str(self.inventory), **known, **variables)

    def started_waiting(self) -> subprocess.Popen[str]:
        """A run on viatris that has begun, and waits for the file `go-on`."""
        folder = self.box.shell.folder
        variables = waiting.make(folder) | {"DEPLOYER_SSH__KNOWN_HOSTS": str(self.known)}
        process = self.box.shell.start("wait", SITE, "viatris", "-i", str(self.inventory), **variables)
        waiting.until_begun(folder, process)
        return process
