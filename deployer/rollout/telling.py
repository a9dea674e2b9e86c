"""Telling people of manual work: once, and again only where telling failed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from deployer.errors import DeployerError
from deployer.model.sync import ManualWork
from deployer.ports import Notifier, Store

_LOG = logging.getLogger("deployer")


class Telling:
    """Tells every notifier of the work that nobody was told of yet."""

    def __init__(self, store: Store, notifiers: Sequence[Notifier]) -> None:
        self._store = store
        self._notifiers = tuple(notifiers)

    def tell(self) -> None:
        """Tell of what is due. A notifier that fails is a warning: what was asked for is done all the same."""
        for due in self._store.claim_work() if self._notifiers else ():
            to = set(due.told_to)
            to |= {one.name for one in self._notifiers if one.name not in to and self._told(one, due.work)}
            self._store.record_told(due.work.id, to, done=to >= {one.name for one in self._notifiers})

    def _told(self, notifier: Notifier, work: ManualWork) -> bool:
        try:
            notifier.tell(work)
        except DeployerError as error:
            # What an error says is cleaned already.
            _LOG.warning("%s (it is tried again with the next sync)", error.message)
            return False
        return True
