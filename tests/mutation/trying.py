"""One worker: a copy of the checkout, and one mutant after the other in it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

from cosmic_ray.mutating import use_mutation
from cosmic_ray.testing import run_tests

from tests.mutation.choosing import operator
from tests.mutation.copying import ENVIRONMENT, copy_checkout
from tests.mutation.descendants import adopt_orphans, end_descendants
from tests.mutation.mutant import Mutant
from tests.mutation.output import is_timeout, killer
from tests.mutation.table import test_files

TEST_LIMIT = 240
"""Seconds for one test: most take less than one, but other work may share the cores."""

PYTEST = (
    "-x -q --no-header --tb=short -p no:cacheprovider --import-mode=importlib "
    "-o addopts= --reruns 1 --rerun-except Timeout"
)
"""A test that fails is run again, so that a chance failure does not count as a kill."""


@dataclass(frozen=True)
class Job:
    """Tests to be run, with a mutant or (to know that they pass, and how long they take) without one."""

    package: str
    mutant: Mutant | None
    seed: int
    limit: float
    is_deep: bool = False


@dataclass(frozen=True)
class Answer:
    """How they ended."""

    job: Job
    is_killed: bool
    is_timeout: bool
    """Killed, but no test failed before a limit: its own, or that of the job."""
    seconds: float
    by: str
    """The test that failed first; "timeout" where none did in time."""
    diff: str
    output: str


def work(source: Path, target: Path, jobs: Queue[Job | None], answers: Queue[Answer]) -> None:
    """Try mutants until there is none left. Runs in a process of its own."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    adopt_orphans()
    try:
        copy_checkout(source, target)
        os.chdir(target)
        os.environ["PATH"] = os.pathsep.join((str(target / ENVIRONMENT / "bin"), os.environ["PATH"]))
        while (job := jobs.get()) is not None:
            answers.put(attempt(target, job))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        end_descendants()


def attempt(root: Path, job: Job) -> Answer:
    """Change the file, run the tests, put it back."""
    shutil.rmtree(root / ".hypothesis", ignore_errors=True)
    before = time.monotonic()
    with ExitStack() as stack:
        diff = ""
        if job.mutant is not None:
            diff = stack.enter_context(_changed(root, job.mutant))
        outcome, output = _run(root, job)
    is_killed = outcome != "survived"
    by = killer(output) if is_killed else ""
    return Answer(job, is_killed, is_killed and is_timeout(output), time.monotonic() - before, by, diff, output[-6000:])


@contextmanager
def _changed(root: Path, mutant: Mutant) -> Iterator[str]:
    """The changed lines; afterwards the file is as it was, its time too: its bytecode is of use again."""
    path = root / mutant.module
    status = path.stat()
    with use_mutation(path, operator(mutant.operator), mutant.occurrence) as texts:
        yield changed_lines(*texts)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _run(root: Path, job: Job) -> tuple[str, str]:
    module = job.mutant.module if job.mutant else ""
    marks = "(deep or deeper) and not benchmark" if job.is_deep else "not benchmark"
    options = [*PYTEST.split(), "-m", marks, f"--hypothesis-seed={job.seed}"]
    python = str(root / ENVIRONMENT / "bin" / "python")
    command = [python, "-m", "pytest", *options, *test_files(root, job.package, module)]
    os.environ["TESTS_TIER"] = "all" if job.is_deep else "everyday"
    os.environ["TESTS_LIMIT"] = str(TEST_LIMIT)
    try:
        outcome, output = run_tests(shlex.join(command), job.limit)
    finally:
        end_descendants()
    return outcome.value, output


def changed_lines(before: str, after: str) -> str:
    """What a mutant changes, without its surroundings."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return "\n".join([*(f"-{line}" for line in old), *(f"+{line}" for line in new)])
