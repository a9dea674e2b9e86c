"""The inline engine: what goes side by side, what waits, and what becomes of errors. Faked: the work."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Event, Lock

import pytest

from deployer.engine import InlineEngine
from deployer.errors import HelperFailedError, StoreError
from deployer.model.run import Outcome, TargetResult
from deployer.model.site import Machine, Repository, Site
from deployer.ports import PlaybookRun

MakeBatch = Callable[[str, str], PlaybookRun]


@pytest.fixture
def make_batch() -> MakeBatch:
    """Batches of sites."""

    def make(site: str, batch: str) -> PlaybookRun:
        host = Machine(f"{site}-prod-dep01", {})
        place = Site("production", site, host, Repository(f"clusterconfig-{site}", "~/c"))
        return PlaybookRun("run", batch, "playbook.yml", "inventory", place, ())

    return make


def ended(batch: PlaybookRun) -> tuple[TargetResult, ...]:
    """One good target per batch."""
    return (TargetResult(batch.batch, batch.site.name, Outcome.OK),)


def test_sites_go_side_by_side(make_batch: MakeBatch) -> None:
    """Batches of different sites run at the same time: each waits here until all have begun."""
    batches = [make_batch(site, site) for site in ("fra1", "ams2", "waw1")]
    together = Barrier(3)

    def work(batch: PlaybookRun) -> tuple[TargetResult, ...]:
        together.wait()
        return ended(batch)

    results = InlineEngine().execute(batches, work)

    assert [result.target for result in results] == ["fra1", "ams2", "waw1"]


def test_batches_of_one_site_go_one_after_another(make_batch: MakeBatch) -> None:
    """They start in their order, and never overlap."""
    alone, order = Lock(), []

    def work(batch: PlaybookRun) -> tuple[TargetResult, ...]:
        assert alone.acquire(blocking=False)
        order.append(batch.batch)
        alone.release()
        return ended(batch)

    InlineEngine().execute([make_batch("fra1", f"fra1-{number}") for number in range(20)], work)

    assert order == [f"fra1-{number}" for number in range(20)]


def test_a_batch_waits_for_the_one_before_it_on_its_site(make_batch: MakeBatch) -> None:
    """However long that takes: two playbook runs behind one deployer host never overlap."""
    second = Event()

    def work(batch: PlaybookRun) -> tuple[TargetResult, ...]:
        if batch.batch == "second":
            second.set()
        else:
            # The wait gives the other the time to be wrong; nothing depends on its length when it is not.
            assert not second.wait(0.1)
        return ended(batch)

    results = InlineEngine().execute([make_batch("fra1", "first"), make_batch("fra1", "second")], work)

    assert [result.target for result in results] == ["first", "second"]


def test_places_are_limited(make_batch: MakeBatch) -> None:
    """With one place, sites do not overlap either."""
    alone = Lock()

    def work(batch: PlaybookRun) -> tuple[TargetResult, ...]:
        assert alone.acquire(blocking=False)
        # The wait gives the others the time to be wrong; nothing depends on its length when they are not.
        Event().wait(0.05)
        alone.release()
        return ended(batch)

    batches = [make_batch(f"site{number}", str(number)) for number in range(3)]

    assert len(InlineEngine(side_by_side=1).execute(batches, work)) == 3


def test_error_is_raised_when_all_have_ended(make_batch: MakeBatch) -> None:
    """Other sites, and later batches of the same one, run to their end; the first error comes out, with the others."""
    batches = [make_batch("fra1", "one"), make_batch("ams2", "two"), make_batch("fra1", "three")]
    batches.append(make_batch("waw1", "four"))
    errors = {"one": HelperFailedError("no answer"), "two": StoreError("no room"), "four": StoreError("no key")}
    tried: list[str] = []

    def work(batch: PlaybookRun) -> tuple[TargetResult, ...]:
        tried.append(batch.batch)
        if batch.batch in errors:
            raise errors[batch.batch]
        return ended(batch)

    with pytest.raises(HelperFailedError, match="no answer") as caught:
        InlineEngine().execute(batches, work)

    assert sorted(tried) == ["four", "one", "three", "two"]
    assert caught.value.__notes__ == ["besides, two: StoreError: no room", "besides, four: StoreError: no key"]


def test_no_batches_no_results() -> None:
    """An empty bucket ends at once."""
    assert InlineEngine().execute([], ended) == ()
