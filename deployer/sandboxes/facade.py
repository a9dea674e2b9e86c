"""Create, list, start and destroy sandboxes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployer.errors import DeployerError, LockedError, UsageError
from deployer.folders import make_folder
from deployer.model.command import Operand, typed
from deployer.sandboxes import free_ports, layout, marker
from deployer.sandboxes.apart import Stop, carried_out
from deployer.sandboxes.base import DEFAULT_TTL, Backend, Power, Sandbox, Say, environment_of
from deployer.sandboxes.faults import Fault
from deployer.sandboxes.files import locked
from deployer.sandboxes.marker import Marker
from deployer.sandboxes.table import BACKENDS

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_SITE = re.compile(r"[a-z][a-z0-9]{0,19}")
_NOT_SITES = frozenset({"all", "ungrouped", "local", "sites", "instances", "sandbox"})
"""Groups that Ansible or the inventory's conventions have already."""
_MOST_INSTANCES = 2000
_DRAFT = ".new-"
_WARNED = timedelta(days=7)
"""How long before it expires a sandbox says so."""
_PATIENCE = 30.0
"""Seconds to wait for another process that works on the same sandbox."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of a sandbox that had expired."""

    name: str
    expired: datetime
    """In UTC."""
    error: str = ""
    """Why it could not be destroyed; empty when it was."""


class Sandboxes:
    """The sandboxes under one folder.

    Args:
        root: the folder; made when the first sandbox is.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def create(
        self,
        name: str,
        *,
        sites: Sequence[str] = ("fra1",),
        instances: int = 3,
        clusters: int = 0,
        backend: str = "local",
        ttl: timedelta = DEFAULT_TTL,
        say: Say = str,
    ) -> Sandbox:
        """Make a sandbox; when that fails or is interrupted, what there is of it is destroyed.

        It is done in a thread of its own, in which `say` is called too: KeyboardInterrupt comes when all is cleaned up.

        Args:
            name: lower-case letters, digits and dashes.
            sites: names of the sites.
            instances: number of instances of each site, or of all sites together where clusters are given; the first
                of a site is `viatris`.
            clusters: of all sites together, spread over them; 0 for one of each site.
            backend: a name of `table.BACKENDS`.
            ttl: how long it is needed; afterwards `prune` destroys it.
            say: is told what takes long.

        Raises:
            UsageError: one of these cannot be meant, or there is such a sandbox.
            DeployerError: it could not be made.
        """
        _check(name, sites, backend)
        _check_counts(sites, instances, clusters, ttl)
        _check_path(self._root)
        now = datetime.now(UTC).replace(microsecond=0)
        wanted = Sandbox(
            name=name,
            backend=backend,
            folder=self._root / name,
            environment=environment_of(name),
            inventory=layout.inventory(self._root / name),
            sites=tuple(sites),
            instances=instances,
            created=now,
            expires=now + ttl,
            clusters=clusters,
            is_complete=False,
        )
        return carried_out(lambda stop: self._create(wanted, say, stop), lambda made: self.destroy(made.name))

    def _create(self, wanted: Sandbox, say: Say, stop: Stop) -> Sandbox:
        maker = BACKENDS[wanted.backend]()
        with _file_errors(f"sandbox {wanted.name} could not be made"):
            claimed = self._claim(wanted, maker, stop)
            with self._alone(claimed.sandbox):
                try:
                    maker.create(claimed.sandbox, claimed.ports, say, stop)
                    stop.check()
                    return marker.set_complete(claimed, is_complete=True).sandbox
                except BaseException:
                    with _file_errors(f"the unfinished sandbox {wanted.name} could not be removed"):
                        self._remove(claimed, maker.destroy)
                    raise

    def list(self) -> tuple[Sandbox, ...]:
        """Every sandbox by name, also those that are half made."""
        return tuple(found.sandbox for found in self._markers())

    def get(self, name: str) -> Sandbox:
        """A sandbox that is complete.

        Raises:
            UsageError: there is none of that name, or it is half made.
        """
        sandbox = self._find(name).sandbox
        if not sandbox.is_complete:
            why = f"unreadable ({marker.FILE} is damaged)" if _is_unreadable(sandbox) else "half made"
            raise UsageError(f"sandbox {name} is {why}", hint=typed("deployer", "sandbox", "destroy", Operand(name)))
        return sandbox

    def warning(self, name: str) -> str:
        """A sentence for who works in a sandbox that expires soon, or has expired; empty otherwise."""
        found = {box.name: box for box in self.list()}.get(name)
        left = found.expires - datetime.now(UTC) if found else _WARNED
        if found is None or left >= _WARNED:
            return ""
        when = f"expires on {found.expires:%Y-%m-%d %H:%M} UTC" if left > timedelta() else "has expired"
        return f"sandbox {name} {when}: `deployer sandbox prune` destroys what has expired"

    def start(self, name: str) -> Sandbox:
        """Start again what must run and does not: after a reboot, or after it was killed.

        Raises:
            UsageError: there is no such sandbox, or it is half made.
            DeployerError: something did not start.
        """
        sandbox = self.get(name)
        with _file_errors(f"sandbox {name} could not be started"), self._alone(sandbox):
            _backend(sandbox).start(sandbox)
        return sandbox

    def destroy(self, name: str) -> None:
        """End every process of a sandbox and remove its folder; of one whose marker is damaged, what can be found.

        What was begun is finished: KeyboardInterrupt comes afterwards, with an error of the removal as its `__cause__`.

        Raises:
            UsageError: there is no such sandbox, or nobody knows its backend.
            LockedError: another process works on it.
            DeployerError: a process could not be ended or a file not be removed.
        """
        carried_out(lambda stop: self._destroy(name, stop))

    def _destroy(self, name: str, stop: Stop) -> None:
        found = self._find(name)
        with _file_errors(f"sandbox {name} could not be removed"), self._alone(found.sandbox, stop):
            self._remove(found, _end_any if _is_unreadable(found.sandbox) else _backend(found.sandbox).destroy)

    def fault(self, name: str, site: str, fault: Fault) -> None:
        """Put the link of a site into a state, until the next call.

        Raises:
            UsageError: no such sandbox or site, or hosts of that backend have no links.
            DeployerError: it could not be done.
        """
        sandbox = self.get(name)
        with self._alone(sandbox):
            _backend(sandbox).fault(sandbox, site, fault)

    def power(self, name: str, host: str, power: Power) -> None:
        """Stop, kill or start a host; its files stay as they are.

        Raises:
            UsageError: no such sandbox or host.
            DeployerError: it could not be done.
        """
        sandbox = self.get(name)
        with self._alone(sandbox):
            _backend(sandbox).power(sandbox, host, power)

    def prune(self) -> tuple[Pruned, ...]:
        """Destroy every sandbox that has expired; one that cannot be destroyed keeps no other from it.

        What still runs of sandboxes whose folders were removed by hand is ended too; such a one is named by its folder.

        Raises:
            DeployerError: it could not be.
        """
        now = datetime.now(UTC)
        expired = tuple(self._pruned(box) for box in self.list() if box.expires <= now)
        return (*expired, *(Pruned(folder, now) for maker in BACKENDS.values() for folder in maker().sweep()))

    def _pruned(self, sandbox: Sandbox) -> Pruned:
        try:
            self.destroy(sandbox.name)
        except DeployerError as error:
            return Pruned(sandbox.name, sandbox.expires, error.message)
        return Pruned(sandbox.name, sandbox.expires)

    def _find(self, name: str) -> Marker:
        found = marker.read(self._root / name) if _NAME.fullmatch(name) else None
        if found is None:
            there = ", ".join(sandbox.name for sandbox in self.list())
            raise UsageError(f"no sandbox {name}; there is {there or 'none'}", hint="deployer sandbox create NAME")
        return found

    def _markers(self) -> Iterator[Marker]:
        folders = sorted(self._root.iterdir()) if self._root.is_dir() else []
        for folder in folders:
            found = marker.read(folder) if _NAME.fullmatch(folder.name) else None
            if found:
                yield found

    def _claim(self, sandbox: Sandbox, maker: Backend, stop: Stop) -> Marker:
        """Take the name and the ports; the marker is in the folder from its first moment."""
        make_folder(self._root)
        with locked(self._root / ".lock", _PATIENCE, stop) as is_ours:
            if not is_ours:
                raise LockedError(f"another process is creating a sandbox in {self._root}")
            # Only the holder of the lock has drafts: any that are there were left by a crash.
            for draft in self._root.glob(f"{_DRAFT}*"):
                shutil.rmtree(draft)
            _check_absent(sandbox.folder)
            taken = {port for found in self._markers() for port in found.ports}
            claimed = Marker(sandbox, free_ports.choose(maker.ports(sandbox), sandbox.folder, taken))
            draft = self._root / f"{_DRAFT}{sandbox.name}"
            make_folder(draft)
            marker.write(claimed, draft)
            draft.rename(sandbox.folder)
            return claimed

    @contextmanager
    def _alone(self, sandbox: Sandbox, stop: Stop | None = None) -> Iterator[None]:
        with locked(sandbox.folder / ".lock", _PATIENCE, stop) as is_ours:
            if not is_ours:
                raise LockedError(f"another process works on sandbox {sandbox.name}")
            yield

    def _remove(self, found: Marker, end: Callable[[Sandbox], None]) -> None:
        if not _is_unreadable(found.sandbox):
            marker.set_complete(found, is_complete=False)
        end(found.sandbox)
        folder = found.sandbox.folder
        for entry in folder.iterdir():
            if entry.name != marker.FILE:
                _remove_entry(entry)
        _remove_entry(folder / marker.FILE)
        folder.rmdir()


def _backend(sandbox: Sandbox) -> Backend:
    _check_backend(sandbox.backend)
    return BACKENDS[sandbox.backend]()


def _end_any(sandbox: Sandbox) -> None:
    """End what runs, whoever made it: each backend finds what is its own, and one that cannot work here made none."""
    for maker in BACKENDS.values():
        with suppress(DeployerError, OSError):
            maker().destroy(sandbox)


def _is_unreadable(sandbox: Sandbox) -> bool:
    return sandbox.backend == marker.UNREADABLE


def _check_backend(backend: str) -> None:
    if backend not in BACKENDS:
        raise UsageError(f"no backend {backend}; there is {', '.join(sorted(BACKENDS))}")


def _check(name: str, sites: Sequence[str], backend: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a sandbox: lower-case letters, digits and dashes, 40 at most")
    _check_backend(backend)
    if not sites or len(set(sites)) != len(sites):
        raise UsageError("a sandbox needs sites, each named once")
    for site in sites:
        if not _SITE.fullmatch(site) or site in _NOT_SITES:
            raise UsageError(f"{site!r} is no name for a site: like fra1, letters and digits, 20 at most")


def _check_counts(sites: Sequence[str], instances: int, clusters: int, ttl: timedelta) -> None:
    if clusters and not len(sites) <= clusters <= instances:
        raise UsageError("there must be a cluster for each site at least, and an instance for each cluster")
    most = _MOST_INSTANCES * (len(sites) if clusters else 1)
    if not 1 <= instances <= most:
        raise UsageError(f"a site has 1 to {_MOST_INSTANCES} instances, not {instances}")
    if ttl <= timedelta():
        raise UsageError("the time to live is more than nothing")


def _check_absent(folder: Path) -> None:
    if marker.read(folder):
        hint = typed("deployer", "sandbox", "destroy", folder.name)
        raise UsageError(f"there is a sandbox {folder.name} already", hint=hint)
    # An empty one was left by a destroy that was killed: its marker goes last.
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} is there already, and is no sandbox")


def _check_path(root: Path) -> None:
    # These paths stand in the inventory, where Ansible would take such a part for a template.
    if any(mark in str(root) for mark in ("{{", "{%", "{#", "\n")):
        raise UsageError(f"sandboxes cannot be in {str(root)!r}: Ansible would read a template in that path")


def _remove_entry(entry: Path) -> None:
    if entry.is_symlink() or not entry.is_dir():
        entry.unlink()
        return
    # A release may have been unpacked with folders that nobody may write to.
    for folder, _, _ in os.walk(entry):
        Path(folder).chmod(0o700)
    shutil.rmtree(entry)


@contextmanager
def _file_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeployerError(f"{what}: {error}") from error
