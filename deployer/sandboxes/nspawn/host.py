"""One host: systemd-nspawn in a control group, a mount namespace and a network namespace of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from deployer.errors import DeployerError
from deployer.model.command import typed
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.nspawn import command, network
from deployer.sandboxes.nspawn.cgroups import Group
from deployer.sandboxes.nspawn.files import RELEASES, REPOSITORIES
from deployer.sandboxes.nspawn.plan import Host, Plan, Role

_LAUNCH = """\
set -e
exec >>console.log 2>&1 </dev/null
# systemd-nspawn keeps locks and folders there, which would stay when it is killed.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=0700 sandbox /run/systemd/nspawn
mount -t overlay sandbox -o lowerdir=image,upperdir=files,workdir=work root
exec systemd-nspawn "$@"
"""
"""Paths are relative: those that overlay takes can have neither a comma nor a colon."""
_START = 120.0
_STOP = 30.0
_HALT = signal.SIGRTMIN + 3
"""systemd halts when its first process gets it."""
_SSH = ":0016"
_LISTENS = "0A"


def prepare(host: Host, image: Path) -> None:
    """Make the folders that a host is mounted from."""
    for name in ("files", "work", "root"):
        (host.folder / name).mkdir(parents=True, exist_ok=True)
    (host.folder / "image").symlink_to(image)


def is_running(host: Host) -> bool:
    """Whether anything of it runs."""
    return bool(Group(host.sandbox, host.name).pids())


def launch(plan: Plan, host: Host) -> None:
    """Switch a host on, and do not wait for it.

    Raises:
        DeployerError: it could not even be tried.
    """
    network.set_power(host, is_on=True)
    # A session of its own and nobody's child: a host must not end with the command that started it.
    apart = ("setsid", "--fork", *Group(host.sandbox, host.name).entering(), "unshare", "--mount")
    command.run((*apart, "sh", "-c", _LAUNCH, "sandbox", *_nspawn(plan, host)), folder=host.folder)


def _nspawn(plan: Plan, host: Host) -> tuple[str, ...]:
    folder = plan.sandbox.folder
    binds = [f"--bind-ro={_escaped(folder / 'releases')}:{RELEASES}"]
    if host.role is Role.HUB:
        binds = [f"--bind={_escaped(folder / 'remotes')}:{REPOSITORIES}"]
    return (
        *("--quiet", "--boot", "--directory=root", "--register=no", "--keep-unit", "--link-journal=no"),
        *("--resolv-conf=off", "--timezone=off", "--console=read-only", "--kill-signal=SIGRTMIN+3"),
        f"--machine={host.machine}",
        f"--hostname={host.name}",
        f"--network-namespace-path=/run/netns/{host.namespace}",
        *binds,
    )


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:")


def wait(hosts: Iterable[Host], stop: Stop) -> None:
    """Wait until sshd listens on every host.

    Raises:
        StoppedError: it was stopped.
        DeployerError: one ended, or does not get there.
    """
    until = time.monotonic() + _START
    for host in hosts:
        born = time.monotonic() + 5.0
        while not _listens(host):
            stop.check()
            if time.monotonic() > until or (time.monotonic() > born and not is_running(host)):
                raise DeployerError(f"{host.name} did not start: {_last_words(host)}", hint=f"see {host.log}")
            time.sleep(0.05)


def _listens(host: Host) -> bool:
    """Whether sshd does, as the kernel has it: nodes cannot be asked from here."""
    namespace = Path(f"/run/netns/{host.namespace}")
    for pid in Group(host.sandbox, host.name).pids():
        try:
            if Path(f"/proc/{pid}/ns/net").samefile(namespace):
                return _has_sshd(Path(f"/proc/{pid}/net"))
        except OSError:
            # It ended meanwhile.
            continue
    return False


def _has_sshd(folder: Path) -> bool:
    tables = ((folder / name).read_text(encoding="ascii") for name in ("tcp", "tcp6"))
    rows = (row.split() for table in tables for row in table.splitlines()[1:])
    return any(row[1].endswith(_SSH) and row[3] == _LISTENS for row in rows)


def _last_words(host: Host) -> str:
    try:
        return host.log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
    except OSError:
        return "it said nothing"


def stop(host: Host) -> None:
    """Shut a host down as its administrator would.

    Raises:
        DeployerError: it does not end.
    """
    group = Group(host.sandbox, host.name)
    for pid in group.pids():
        if _is_first(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, _HALT)
    until = time.monotonic() + _STOP
    while group.pids():
        if time.monotonic() > until:
            raise DeployerError(
                f"{host.name} does not shut down", hint=typed("deployer", "sandbox", "host", "kill", host.name)
            )
        time.sleep(0.02)
    network.set_power(host, is_on=False)


def _is_first(pid: int) -> bool:
    """Whether it is the first process of a host."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    numbers = status.partition("\nNSpid:")[2].partition("\n")[0].split()
    return len(numbers) > 1 and numbers[-1] == "1"


def kill(host: Host) -> None:
    """Pull the plug: connections get no answer any more, and nothing is written to the end."""
    network.set_power(host, is_on=False)
    Group(host.sandbox, host.name).kill()
