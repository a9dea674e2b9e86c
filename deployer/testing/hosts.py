"""Doubles of machines and of the locks on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from deployer.errors import DeployerError, LockedError
from deployer.model.facts import Finding
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Machine, Repository, Site
from deployer.ports import Completed, Host, Lock


class FakeHost:
    """A machine that answers as it is told, and succeeds with nothing where it is told nothing.

    Args:
        name: of the inventory.
        commands: first word of a command -> how it ends.
        answer: what programs answer to a request.
    """

    def __init__(
        self,
        name: str = "fra1-prod-dep01",
        commands: Mapping[str, Completed | DeployerError] | None = None,
        answer: Callable[[JsonObject], JsonObject] = lambda _: {},
    ) -> None:
        self._name = name
        self._commands = commands or {}
        self._answer = answer
        self.ran: list[tuple[str, ...]] = []
        self.requests: list[JsonObject] = []
        self.held: list[JsonObject] = []
        """Requests of the programs that live now."""

    @property
    def name(self) -> str:
        """Of the inventory."""
        return self._name

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 60.0) -> Completed:  # noqa: ARG002  as the port
        """The scripted end of the command."""
        self.ran.append(tuple(argv))
        end = self._commands.get(argv[0], Completed(0, b"", b""))
        if isinstance(end, DeployerError):
            raise end
        return end

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:  # noqa: ARG002  as the port
        """The scripted answer."""
        self.requests.append(request)
        return self._answer(request)

    @contextmanager
    def hold(self, program: Program, request: JsonObject) -> Iterator[JsonObject]:
        """The scripted answer; the request is in `held` meanwhile."""
        answer = self.call(program, request)
        self.held.append(request)
        try:
            yield answer
        finally:
            self.held.remove(request)


class FakeHosts:
    """Hosts by name, made when first asked for.

    Args:
        hosts: those that do not just succeed; a DeployerError where there is no reaching one.
        findings: site -> what `doctor` finds.
    """

    def __init__(
        self,
        hosts: Mapping[str, FakeHost | DeployerError] | None = None,
        findings: Mapping[str, tuple[Finding, ...]] | None = None,
    ) -> None:
        self.hosts = dict(hosts or {})
        self._findings = findings or {}
        self.is_closed = False

    def host(self, machine: Machine) -> FakeHost:
        """The host of that name."""
        found = self.hosts.setdefault(machine.name, FakeHost(machine.name))
        if isinstance(found, DeployerError):
            raise found
        return found

    def doctor(self, site: Site) -> tuple[Finding, ...]:
        """The scripted findings."""
        return self._findings.get(site.name, ())

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


class FakeLocks:
    """Locks in memory, with the rules of the real ones: shared ones go together, an exclusive one stands alone."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: list[tuple[str, Lock, str, str]] = []
        self._fences: dict[tuple[str, str], int] = {}
        self.taken: list[tuple[str, Lock]] = []
        """Host and lock, in the order in which they were taken."""

    @contextmanager
    def hold(
        self,
        host: Host,
        repository: Repository,  # noqa: ARG002  as the port
        locks: Sequence[Lock],
        *,
        run: str,
        who: str,
    ) -> Iterator[Mapping[str, int]]:
        """Take all the locks, or none; raises LockedError."""
        with self._guard:
            for lock in locks:
                self._refuse_if_held(host.name, lock)
            mine = [(host.name, lock, who, run) for lock in locks]
            self._held += mine
            self.taken += [(host.name, lock) for lock in locks]
            fences = {lock.name: self._fence(host.name, lock.name) for lock in locks if lock.exclusive}
        try:
            yield fences
        finally:
            with self._guard:
                for one in mine:
                    self._held.remove(one)

    def _refuse_if_held(self, host: str, lock: Lock) -> None:
        for other_host, other, who, run in self._held:
            if (other_host, other.name) == (host, lock.name) and (other.exclusive or lock.exclusive):
                raise LockedError(f"{lock.name} on {host} is locked by {who} ({run})", run=run)

    def _fence(self, host: str, name: str) -> int:
        self._fences[host, name] = self._fences.get((host, name), 0) + 1
        return self._fences[host, name]
