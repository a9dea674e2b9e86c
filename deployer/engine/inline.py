"""Execution in this process, for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from threading import BoundedSemaphore

from deployer.model.run import TargetResult
from deployer.ports import PlaybookRun

Work = Callable[[PlaybookRun], tuple[TargetResult, ...]]


class InlineEngine:
    """A `ports.Engine` with a thread per site: sites side by side, the batches of one site one after another.

    Args:
        side_by_side: sites at the same time; the others wait for a free place.
    """

    def __init__(self, side_by_side: int = 30) -> None:
        self._side_by_side = side_by_side

    def execute(self, batches: Sequence[PlaybookRun], work: Work) -> tuple[TargetResult, ...]:
        """Run every batch and wait for all.

        Args:
            batches: of one bucket.
            work: runs one batch. What fails in the domain is in its results; it raises when the machine itself failed.

        Returns:
            The results of all batches, in the order of the batches.

        Raises:
            BaseException: what `work` raised, once every batch has ended: the first in the order of the batches, with
                the others as notes. What the other batches did is not lost by that: they recorded it as it happened.
        """
        places = BoundedSemaphore(self._side_by_side)

        def placed(batch: PlaybookRun) -> tuple[TargetResult, ...]:
            with places:
                return work(batch)

        with ExitStack() as stack:
            # One thread per site, so that the batches of a site queue up behind each other.
            sites = dict.fromkeys(batch.site.name for batch in batches)
            threads = {site: stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix=site)) for site in sites}
            futures = [threads[batch.site.name].submit(placed, batch) for batch in batches]
        return _gathered(batches, futures)


def _gathered(
    batches: Sequence[PlaybookRun], futures: Sequence[Future[tuple[TargetResult, ...]]]
) -> tuple[TargetResult, ...]:
    raised = [(batch, error) for batch, future in zip(batches, futures, strict=True) if (error := future.exception())]
    if raised:
        _, first = raised[0]
        for batch, error in raised[1:]:
            first.add_note(f"besides, {batch.batch}: {type(error).__name__}: {error}")
        raise first
    return tuple(result for future in futures for result in future.result())
