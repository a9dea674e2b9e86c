"""Locks of a run on its deployer hosts: shared on each site, exclusive on each instance that is meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from deployer.errors import DeployerError, UnreachableError
from deployer.model.plan import Target
from deployer.model.run import Run
from deployer.model.site import Site
from deployer.ports import Hosts, Lock, Locks
from deployer.rollout.request import Request
from deployer.rollout.select import pick
from deployer.rollout.syncing import Syncing

Fences = dict[str, int]
"""Target name -> fencing number."""
Away = dict[str, DeployerError]
"""Site whose deployer host does not answer -> the error."""


class Locking:
    """Takes the locks of a run, and gives them back with the context."""

    def __init__(self, hosts: Hosts, locks: Locks, syncing: Syncing) -> None:
        self._hosts = hosts
        self._locks = locks
        self._syncing = syncing

    @contextmanager
    def known(self, request: Request, run: Run) -> Iterator[tuple[Fences, Away]]:
        """Lock the sites, and the instances that the clones have before the sync (doc/decisions/0004).

        Yields:
            The fencing number of each target, and the sites that are away. A check locks nothing.

        Raises:
            LockedError: another run has one of them.
            UnreachableError: none of the sites could be reached.
        """
        fences: Fences = {}
        away: Away = {}
        with ExitStack() as stack:
            for site in request.sites if not request.options.check else ():
                try:
                    meant = _meant(request, self._syncing.peek(site).targets)
                    fences |= stack.enter_context(self._hold(run, site, meant, with_site=True))
                except UnreachableError as error:
                    away[site.name] = error
            if len(away) == len(request.sites):
                raise next(iter(away.values()))
            yield fences, away

    @contextmanager
    def newcomers(self, request: Request, run: Run, targets: Sequence[Target], fences: Fences) -> Iterator[Fences]:
        """Lock the instances that came with the sync, too."""
        with ExitStack() as stack:
            for site in request.sites if not request.options.check else ():
                new = [t for t in targets if t.site == site.name and t.revision and t.name not in fences]
                if new:
                    fences = fences | stack.enter_context(self._hold(run, site, new, with_site=False))
            yield fences

    @contextmanager
    def _hold(self, run: Run, site: Site, targets: Sequence[Target], *, with_site: bool) -> Iterator[Fences]:
        names = {f"instance/{target.instance}": target.name for target in targets}
        locks = [Lock("site", exclusive=False)] if with_site else []
        locks += [Lock(name, exclusive=True) for name in names]
        host = self._hosts.host(site.deployer_host)
        with self._locks.hold(host, site.repository, locks, run=run.id, who=run.who) as fences:
            yield {names[lock]: fence for lock, fence in fences.items() if lock in names}


def _meant(request: Request, targets: Sequence[Target]) -> tuple[Target, ...]:
    """The known instances that the request means; a name that is not known yet may come with the sync."""
    targets = [target for target in targets if not request.only or target.name in request.only]
    known = {name for target in targets for name in (target.instance, target.name)}
    names = [name for name in request.instances if name in known]
    if request.instances and not names:
        return ()
    try:
        return pick(targets, instances=names, limit=request.limit)
    except DeployerError:
        return ()
