"""Hands the jobs of a run to its workers, one at a time, and keeps what they answer."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path

from tests.budget.pace import limit
from tests.mutation.mutant import Mutant
from tests.mutation.session import Line, Session
from tests.mutation.trying import Answer, Job, work

BASELINE_LIMIT = 2400.0
"""Seconds for the tests of a package without a mutant, on a usual machine."""
PATIENCE = 5.0
"""Seconds for a worker to end what its tests started."""


class WorkerGoneError(Exception):
    """A worker ended before its time."""


@dataclass(frozen=True)
class Wanted:
    """What a run is to do."""

    source: Path
    seed: int
    mutants: Mapping[str, Sequence[Mutant]]
    """Package -> its sample."""
    is_deep: bool
    minutes: float


class Run:
    """Which job comes next, and what is done with an answer."""

    def __init__(self, wanted: Wanted, session: Session, say: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._session = session
        self._say = say
        self._pending: list[Job] = []
        self._given: Counter[str] = Counter()
        self.broken: list[str] = []
        """Packages whose tests fail without a mutant: they say nothing about one, and theirs are not tried."""
        self._ends = time.monotonic() + wanted.minutes * 60
        for package in wanted.mutants:
            self._ask(package, None, is_deep=False)

    def carry_out(self, jobs: Queue[Job | None], answers: Queue[Answer], workers: Sequence[BaseProcess]) -> None:
        """Until all is answered, or the time is up and the last answers are in."""
        open_jobs = 0
        while True:
            while open_jobs < len(workers) and (job := self._next()):
                jobs.put(job)
                open_jobs += 1
            if not open_jobs:
                return
            self._take(_wait(answers, workers))
            open_jobs -= 1

    def _next(self) -> Job | None:
        """Tests without a mutant first; then the package that had the fewest; deep tests last."""
        if not self._pending or time.monotonic() > self._ends:
            return None
        job = min(self._pending, key=lambda job: (job.is_deep, job.mutant is not None, self._given[job.package]))
        self._pending.remove(job)
        self._given[job.package] += 1
        return job

    def _take(self, answer: Answer) -> None:
        job = answer.job
        if job.mutant is None and answer.is_killed:
            self.broken.append(f"{job.package}: its tests fail without a mutant\n{answer.output}")
            return
        name = job.mutant.name if job.mutant else ""
        how = (answer.is_killed, answer.is_timeout, answer.seconds, answer.by, answer.diff)
        line = Line(job.package, name, job.is_deep, *how)
        self._session.add(line)
        ending = "timeout" if line.is_timeout else "killed" if line.is_killed else "survived" if name else "passed"
        self._say(f"{answer.seconds:5.0f} s  {ending:8} {name or job.package}{' (deep)' if job.is_deep else ''}")
        self._follow(line, job.mutant)

    def _ask(self, package: str, mutant: Mutant | None, *, is_deep: bool) -> None:
        """One job; what is known from an interrupted run is not done again."""
        known = self._session.find(package, mutant.name if mutant else "", is_deep=is_deep)
        if known:
            self._follow(known, mutant)
            return
        seconds = self._limit(package, is_deep=is_deep) if mutant else limit(BASELINE_LIMIT)
        self._pending.append(Job(package, mutant, self._wanted.seed, seconds, is_deep))

    def _follow(self, line: Line, mutant: Mutant | None) -> None:
        """What is to be done once this is known."""
        package, is_deep = line.package, line.is_deep
        if mutant is None:
            for each in self._wanted.mutants[package]:
                if not is_deep or self._survived(each):
                    self._ask(package, each, is_deep=is_deep)
        elif self._wanted.is_deep and not is_deep and not line.is_killed:
            if self._session.find(package, "", is_deep=True):
                self._ask(package, mutant, is_deep=True)
            elif not any(job.package == package and job.is_deep for job in self._pending):
                self._ask(package, None, is_deep=True)

    def _survived(self, mutant: Mutant) -> bool:
        line = self._session.find(mutant.package, mutant.name, is_deep=False)
        return line is not None and not line.is_killed

    def _limit(self, package: str, *, is_deep: bool) -> float:
        """Twice what the tests take without a mutant, and a minute (more on a slow machine) for other work."""
        line = self._session.find(package, "", is_deep=is_deep)
        return 2 * line.seconds + limit(60) if line else limit(BASELINE_LIMIT)


@contextmanager
def workers(
    source: Path, folder: Path, number: int
) -> Iterator[tuple[Queue[Job | None], Queue[Answer], list[BaseProcess]]]:
    """Processes with a copy of the checkout each; they end with the block, and so does all that they started."""
    context = get_context("spawn")
    jobs: Queue[Job | None] = context.Queue()
    answers: Queue[Answer] = context.Queue()
    made: list[BaseProcess] = [
        context.Process(target=work, args=(source, folder / str(index), jobs, answers), daemon=True)
        for index in range(number)
    ]
    try:
        for worker in made:
            worker.start()
        yield jobs, answers, made
    finally:
        for worker in made:
            worker.terminate()
        for worker in made:
            worker.join(PATIENCE)


def _wait(answers: Queue[Answer], made: Sequence[BaseProcess]) -> Answer:
    while True:
        try:
            return answers.get(timeout=1)
        except queue.Empty:
            if not all(worker.is_alive() for worker in made):
                raise WorkerGoneError("a worker ended before its time") from None
