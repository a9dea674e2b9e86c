"""How an instance is now, how it is wanted, and what differs."""

from __future__ import annotations

from dataclasses import dataclass

from . import health
from .errors import ReleaseError
from .layout import Layout, read
from .receipt import Journal, State, read_journal
from .releases import has_release
from .request import Request, digest
from .service import Definition, Manager
from .supervisor import Supervisor
from .systemd import Systemd

_PATIENCE = 5.0
"""Seconds in which a service that nobody restarted may be too busy to answer."""


@dataclass(frozen=True)
class Situation:
    """What is on the host beside what is wanted."""

    found: State
    """What `current` and the configuration file say."""
    before: State
    """The last good state: what was found, or what a crashed run wanted to leave."""
    wanted: State
    journal: Journal | None
    """Of a run that crashed."""

    @property
    def is_switch(self) -> bool:
        """Whether version or configuration change."""
        return self.before != self.wanted


def manager_of(request: Request) -> Manager:
    """The service manager of the host."""
    if request.service_manager == "supervisor":
        return Supervisor(request.supervisor_socket)
    return Systemd()


def definition_of(request: Request, layout: Layout) -> Definition:
    """How the instance's service is started."""
    program = str(layout.current / request.command)
    argv = (program, "--port", str(request.port), "--configuration", str(layout.configuration))
    return Definition(request.service, argv, layout.current, layout.log, request.user)


def found_on(layout: Layout) -> State:
    """What `current` and the configuration file say."""
    return State(layout.installed(), read(layout.configuration))


def look(request: Request, layout: Layout) -> Situation:
    """Read the host; raises ReleaseError when there is nothing that could be kept."""
    found = found_on(layout)
    journal = read_journal(layout)
    before = journal.before if journal else found
    if before.version and not has_release(layout, before.version):
        # Somebody removed the release under `current`: there is nothing to go back to.
        before = State("", before.configuration)
    return Situation(found, before, _wanted(request, before), journal)


def _wanted(request: Request, before: State) -> State:
    version = request.version or before.version
    configuration = request.configuration or before.configuration
    if not version:
        raise ReleaseError(f"{request.name} has no release on this host: redeploy it first")
    if configuration is None:
        raise ReleaseError(f"{request.name} has no configuration on this host: configure it first")
    return State(version, configuration)


def reasons(request: Request, layout: Layout, manager: Manager, now: Situation, *, patience: float = _PATIENCE) -> str:
    """Why the service must be started anew, in words; empty when it need not.

    Args:
        request: what is wanted.
        layout: of the instance.
        manager: of the service.
        now: the situation.
        patience: seconds to give a service that should be fine.
    """
    wanted, journal = now.wanted, now.journal
    # Asked first: where the service manager does not answer, nothing must be changed at all.
    is_known = manager.knows(definition_of(request, layout))
    if now.found.version != wanted.version:
        return f"version {now.found.version or '(none)'} -> {wanted.version}"
    if now.found.configuration != wanted.configuration:
        return "the configuration changed"
    if not is_known:
        return "the service is defined in another way"
    if journal is not None and not (journal.started and journal.wanted == wanted):
        return "an earlier run was cut off"
    if request.restart:
        return "it was asked for"
    said = answer(request, manager, wanted, seconds=min(patience, request.health_timeout))
    return "" if is_good(said, wanted) else differs(said, wanted)


def answer(request: Request, manager: Manager, wanted: State, *, seconds: float) -> health.Health:
    """What the service says, when it has said what is wanted or the time is over."""
    return health.wait(
        request.port,
        request.health,
        wanted=lambda said: is_good(said, wanted),
        hopeless=lambda: manager.has_given_up(request.service),
        seconds=seconds,
    )


def is_good(said: health.Health, wanted: State) -> bool:
    """Whether the service is healthy with the wanted version and configuration."""
    return said.is_of(wanted.version, digest(wanted.configuration or ""))


def differs(said: health.Health, wanted: State) -> str:
    """What is in the way of `is_good`."""
    return said.differs(wanted.version, digest(wanted.configuration or ""))
