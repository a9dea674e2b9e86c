"""Hooks of pytest: which cases a tier has, when a test hangs, and how the deep run spent its budget."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

import hypothesis
import pytest

from tests.budget.choice import Case, chosen, touched
from tests.budget.marks import IS_DEEP, TIER
from tests.budget.pace import limit, pace
from tests.budget.scheduling import GroupScheduling
from tests.budget.seed import SEED, base, changed_files
from tests.budget.shares import BENCHMARKS, PARTS, part_of

HANGS = float(os.environ.get("TESTS_LIMIT", "900"))
"""Seconds after which a test hangs on a usual machine, unless it says otherwise."""
Spent = dict[str, list[float]]
"""Name of a part -> cases taken, cases in all, seconds of those taken, seconds of all."""
SPENT = pytest.StashKey[Spent]()


def pytest_configure() -> None:
    """Measure the machine before workers start: they would measure each other. Hand on SIGHUP as a terminal does.

    With `nohup` it is ignored, in all programs that are started too, and a test of it would wait for ever. What has a
    handler here is back at its default there.
    """
    pace()
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)


def pytest_report_header() -> str:
    """What is needed to run the same cases again, and how slow the machine is."""
    again = f"TESTS_TIER={TIER} TESTS_SEED={SEED} TESTS_BASE={base()}"
    return f"{again}; {pace():.2f} times the seconds of a usual machine"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cases of this tier, and give each its limit."""
    for item in items:
        own = item.get_closest_marker("timeout")
        item.add_marker(pytest.mark.timeout(limit(own.args[0] if own else HANGS)), append=False)
        if IS_DEEP and isinstance(item, pytest.Function) and hasattr(item.obj, "hypothesis"):
            hypothesis.seed(SEED)(item.obj)
    kept = _of_tier(config, items)
    left_out = [item for item in items if item.nodeid not in kept]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.nodeid in kept]


def _of_tier(config: pytest.Config, items: Sequence[pytest.Item]) -> frozenset[str]:
    cases = [_case(item, mark) for item in items for mark in _marks(item)]
    if TIER == "all":
        return frozenset(item.nodeid for item in items)
    if TIER == "everyday":
        return frozenset(
            item.nodeid for item in items if not item.get_closest_marker("deep") or _is_named(config, item)
        )
    if config.args != config.getini("testpaths"):
        return frozenset(case.name for case in cases)
    changed = touched((*PARTS, *BENCHMARKS), changed_files(base()))
    taken: frozenset[str] = frozenset()
    for parts in (PARTS, BENCHMARKS):
        taken |= chosen([case for case in cases if case.part in parts], SEED, changed)
    config.stash[SPENT] = spent = _spent(cases, taken)
    if hasattr(config, "workeroutput"):
        config.workeroutput["spent"] = spent
    return taken


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    return [*item.iter_markers("deep"), *item.iter_markers("deeper")]


def _is_named(config: pytest.Config, item: pytest.Item) -> bool:
    """Whether the command line names the very test, and not a file or folder that it is in."""
    names = [argument.partition("::") for argument in config.args if "::" in argument]
    test = item.nodeid.partition("::")[2]
    return any(
        item.path == config.invocation_params.dir / file and name in (test, test.partition("[")[0])
        for file, _, name in names
    )


def _case(item: pytest.Item, mark: pytest.Mark) -> Case:
    return Case(item.nodeid, part_of(item.nodeid.partition("::")[0]), float(mark.args[0]))


def _spent(cases: Sequence[Case], taken: frozenset[str]) -> Spent:
    found: Spent = {}
    for case in cases:
        counts = found.setdefault(case.part.name, [0, 0, 0.0, 0.0])
        is_taken = case.name in taken
        for at, more in enumerate((is_taken, 1, case.seconds * is_taken, case.seconds)):
            counts[at] += more
    return found


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  xdist exports no type of it
    """A worker of xdist hands over what it chose: the controller collects nothing itself."""
    if "spent" in getattr(node, "workeroutput", {}):
        node.config.stash[SPENT] = node.workeroutput["spent"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:  # noqa: ANN401  xdist exports no type of it
    """Tests that share something expensive share a worker."""
    return GroupScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How the deep run spent its budget."""
    spent = config.stash.get(SPENT, None)
    if not spent:
        return
    took = _took(terminalreporter)
    terminalreporter.write_sep("=", f"budget of the deep run, TESTS_SEED={SEED}")
    terminalreporter.write_line(f"{'part':12}{'cases':>12}{'seconds estimated':>18}{'measured':>10}")
    for name, (taken, every, seconds, whole) in sorted(spent.items()):
        cases, said = f"{taken:.0f} of {every:.0f}", f"{seconds:.0f} of {whole:.0f}"
        terminalreporter.write_line(f"{name:12}{cases:>12}{said:>18}{took.get(name, 0):>10.0f}")


def _took(reporter: pytest.TerminalReporter) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for report in (report for reports in reporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            name = part_of(report.nodeid.partition("::")[0]).name
            seconds[name] = seconds.get(name, 0) + report.duration
    return seconds
