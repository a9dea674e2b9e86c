"""What a host has besides the image: its name, its keys, and for a deployer host its clone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from deployer.sandboxes.nspawn import keys
from deployer.sandboxes.nspawn.image import GIT_LOGIN
from deployer.sandboxes.nspawn.plan import HUB, LOGIN, Host, Plan, Role, SitePlan

_UID = 1000
"""Of the login, in the image."""
RELEASES = "/srv/releases"
REPOSITORIES = "/srv/git"


def make_keys(plan: Plan) -> None:
    """Make every key, and the files of the controller."""
    folder = plan.sandbox.folder
    keys.make(keys.controller(folder), f"{plan.sandbox.name} controller")
    for host in plan.hosts:
        keys.make(keys.host_key(host), host.name)
        if host.role is Role.DEPLOYER:
            keys.make(keys.git_key(host), f"{LOGIN}@{host.name}")
    (folder / keys.KNOWN_HOSTS).write_text(keys.known_hosts(plan), encoding="ascii")
    (folder / keys.SSH_CONFIG).write_text(keys.ssh_config(plan), encoding="utf-8")


def fill(plan: Plan) -> None:
    """Write the files of every host, except the clones."""
    login = (keys.public(keys.controller(plan.sandbox.folder)),)
    heads = tuple(keys.public(keys.git_key(site.deployer_host)) for site in plan.sites)
    for host in plan.hosts:
        _write(host, "etc/hostname", f"{host.name}\n")
        # Without one, systemd takes it for the first boot of an unconfigured machine, and enables every unit.
        _write(host, "etc/machine-id", f"{uuid4().hex}\n")
        _write(host, "etc/hosts", _names(plan, host))
        _authorize(host, LOGIN, login)
        _write(host, f"srv/instances/.of-{plan.sandbox.name}", "")
    _authorize(plan.hub, GIT_LOGIN, tuple(_only_git(key) for key in heads))
    known = keys.known_hosts(plan)
    for site in plan.sites:
        _write(site.deployer_host, f"home/{LOGIN}/.ssh/known_hosts", known)


def own_home(site: SitePlan) -> None:
    """Give the login of a deployer host its home."""
    home = site.layout.home
    for folder, folders, names in os.walk(home):
        for path in (Path(folder), *(Path(folder, name) for name in (*folders, *names))):
            os.chown(path, _UID, _UID, follow_symlinks=False)
    home.chmod(0o755)
    (home / ".ssh").chmod(0o700)


def remote(site: SitePlan) -> str:
    """The address of a site's config repository, as its deployer host knows it."""
    return f"ssh://{GIT_LOGIN}@{HUB}{REPOSITORIES}/{site.layout.repository}.git"


def _only_git(key: str) -> str:
    return f'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" {key}'


def _names(plan: Plan, host: Host) -> str:
    """/etc/hosts: the hub, the deployer hosts, and the nodes of the same site."""
    near = [other for other in plan.hosts if other.role is not Role.NODE or other.site == host.site]
    lines = ("127.0.0.1 localhost", "::1 localhost", *(f"{other.address} {other.name}" for other in near))
    return "".join(f"{line}\n" for line in lines)


def _authorize(host: Host, login: str, lines: Sequence[str]) -> None:
    _write(host, f"etc/ssh/authorized_keys/{login}", "".join(f"{line}\n" for line in lines))


def _write(host: Host, name: str, text: str) -> None:
    path = host.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
