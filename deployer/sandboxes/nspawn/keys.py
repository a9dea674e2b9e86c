"""Keys: one for the controller, one of each host, one of each deployer host for git; and what ssh has to know."""

from __future__ import annotations

from pathlib import Path

from deployer.sandboxes.nspawn import command
from deployer.sandboxes.nspawn.plan import LOGIN, Host, Plan, Role

KNOWN_HOSTS = "known_hosts"
SSH_CONFIG = "ssh_config"


def controller(folder: Path) -> Path:
    """The private key with which the controller logs in.

    Args:
        folder: of the sandbox.
    """
    return folder / "keys" / "controller"


def host_key(host: Host) -> Path:
    """The private key that a host proves itself with."""
    return host.files / "etc/ssh/ssh_host_ed25519_key"


def git_key(host: Host) -> Path:
    """The private key with which a deployer host pushes."""
    return host.files / "home" / LOGIN / ".ssh/id_ed25519"


def make(path: Path, comment: str) -> str:
    """Make a pair; the public half as a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)))
    return public(path)


def public(path: Path) -> str:
    """The public half of a key, as a line."""
    return path.with_name(f"{path.name}.pub").read_text(encoding="ascii").strip()


def known_hosts(plan: Plan) -> str:
    """The keys of all hosts, for the controller and for deployer hosts."""
    lines = (f"{host.name},{host.address} {' '.join(public(host_key(host)).split()[:2])}" for host in plan.hosts)
    return "".join(f"{line}\n" for line in lines)


def ssh_config(plan: Plan) -> str:
    """How the controller reaches each host: a node through the deployer host of its site."""
    folder = plan.sandbox.folder
    heads = {site.name: site.deployer_host.name for site in plan.sites}
    common = (
        "Host *",
        f"  User {LOGIN}",
        f'  IdentityFile "{controller(folder)}"',
        "  IdentitiesOnly yes",
        f'  UserKnownHostsFile "{folder / KNOWN_HOSTS}"',
        "  StrictHostKeyChecking yes",
        "  CheckHostIP no",
        # A host that lost its power says nothing: without these, ssh waits for it for a quarter of an hour.
        "  ServerAliveInterval 5",
        "  ServerAliveCountMax 3",
        "  ConnectTimeout 10",
    )
    blocks = (_block(host, heads.get(host.site, ""), folder / SSH_CONFIG) for host in plan.hosts)
    return "\n".join((*(line for block in blocks for line in block), *common)) + "\n"


def _block(host: Host, head: str, config: Path) -> tuple[str, ...]:
    lines: tuple[str, ...] = (f"Host {host.name} {host.address}", f"  HostName {host.address}")
    if host.role is Role.NODE:
        # Not ProxyJump: ssh hands its -F on to the jump without quotes, and the folder may have a space.
        lines += (f'  ProxyCommand ssh -F "{config}" -W [%h]:%p {head}',)
    return (*lines, "")
