"""Runs an operation's checks against the instances of a batch, the machines side by side."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from deployer.checks import lane
from deployer.checks.job import Job, by_machine, connection_to, target_values
from deployer.checks.lane import End, Found
from deployer.checks.reach import Reach
from deployer.errors import OperationError, UsageError
from deployer.model.check import CheckOutcome, CheckResult, TargetChecks
from deployer.model.command import typed
from deployer.model.operation import Operation
from deployer.model.plan import Target
from deployer.model.run import Outcome
from deployer.ports import PlaybookRun, Stop
from deployer.settings import CheckSettings
from deployer.visible import quoted

_RAN = (0, 1)
"""pytest's exit codes when it ran what it found: all passed, some failed."""
_NO_CHECKS = 5
"""Its exit code when it found none."""
_LONGEST_FOLDER = 45
"""A unix socket's path has at most 104 characters, and ssh adds to it."""


class TestinfraChecks:
    """Implements `deployer.ports.Checks` with pytest and testinfra in child processes.

    Args:
        settings: of checks.
        reach: how the machines are reached.
    """

    __test__ = False  # its name looks like a test to pytest

    def __init__(self, settings: CheckSettings, reach: Reach) -> None:
        self._settings = settings
        self._reach = reach

    def usable(self, operation: Operation) -> None:
        """Find out before anything is touched whether the operation can be checked.

        Raises:
            UsageError: pytest or testinfra is not installed.
            OperationError: the operation has no checks.
        """
        if missing := [name for name in ("pytest", "testinfra") if find_spec(name) is None]:
            hint = typed(sys.executable, "-m", "pip", "install", "deployer-host[verify]")
            raise UsageError(f"checks need {' and '.join(missing)}, not installed here", hint=hint)
        if not any(path for folder in operation.checks for path in Path(folder).rglob("test_*.py")):
            hint = f"put test files (test_*.py) into {Path(operation.folder) / 'checks'} (doc/verify.md)"
            raise OperationError(f"{operation.name} has no checks", hint=hint)

    def run(self, playbook: PlaybookRun, stop: Stop) -> tuple[TargetChecks, ...]:
        """Check every target of the batch; each gets exactly one result, in order.

        Raises:
            OperationError: a test file cannot be used.
            DeployerError: no process could be started.
        """
        redact = self._reach.redactor(playbook)
        machines = by_machine(playbook.targets).values()
        with ThreadPoolExecutor(self._settings.side_by_side, thread_name_prefix="checks") as pool:
            parts = pool.map(lambda targets: self._machine(playbook, targets, stop), machines)
            try:
                results = {result.target: _redacted(result, redact) for part in parts for result in part}
            except OperationError as error:
                raise OperationError(redact(error.message), hint=[redact(line) for line in error.hints]) from None
        return tuple(results[target.name] for target in playbook.targets)

    def _machine(self, playbook: PlaybookRun, targets: Sequence[Target], stop: Stop) -> tuple[TargetChecks, ...]:
        """The targets of one machine; after a hung check the others go on in a process of their own."""
        results: list[TargetChecks] = []
        left = tuple(targets)
        while left:
            found = Found(end=End.STOPPED) if stop.now else self._follow(playbook, left, stop)
            self._refuse(found)
            part = tuple(_result(target, found, self._settings.seconds) for target in left)
            ended = tuple(result for result in part if result is not None)
            results += ended
            names = {result.target for result in ended}
            left = tuple(target for target in left if target.name not in names)
        return tuple(results)

    def _follow(self, playbook: PlaybookRun, targets: Sequence[Target], stop: Stop) -> Found:
        private = Path(tempfile.mkdtemp(prefix="dply-", dir=_short_folder()))
        try:
            environment = self._reach.environment(playbook, private)
            job = self._job(playbook, targets, private)
            return lane.follow(job, environment, stop, self._settings.seconds)
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def _job(self, playbook: PlaybookRun, targets: Sequence[Target], private: Path) -> Job:
        reach = self._reach
        machine = reach.machine(playbook, targets[0])
        connection = connection_to(machine, reach, become=playbook.options.become)
        inventory = private / "inventory.yml"
        if connection.kind == "ansible":
            inventory.touch(mode=0o600)
            inventory.write_text(reach.inventory_text(playbook), encoding="utf-8")
        return Job(
            folders=playbook.checks,
            private=str(private),
            inventory=str(inventory),
            connection=connection,
            targets=tuple(target_values(playbook, target, reach) for target in targets),
            seconds=self._settings.seconds,
        )

    def _refuse(self, found: Found) -> None:
        """Raise for what is wrong with the checks themselves."""
        if found.broken:
            file, error = found.broken[0]
            # pytest marks the lines of the error itself.
            lines = [line.removeprefix("E ").strip() for line in error.splitlines() if line.strip()]
            raise OperationError(f"{file} cannot be used: {lines[-1] if lines else 'no reason'}", hint=quoted(error))
        if found.code == _NO_CHECKS:
            raise OperationError("the test files hold no checks", hint="a check is a function test_… (doc/verify.md)")
        if found.unreachable:
            return
        if found.code not in {None, *_RAN} or (found.end is End.DIED and found.current is None):
            raise OperationError("pytest could not run the checks", hint=quoted(found.printed))


def _result(target: Target, found: Found, seconds: float) -> TargetChecks | None:
    """What became of a target; None when its checks were not all tried, and can be tried again."""
    checks = tuple(found.checks.get(target.name, ()))
    if found.end is End.DONE and not found.unreachable:
        return _judged(target, checks)
    if reason := _why_not_checked(found):
        outcome = Outcome.INTERRUPTED if found.end is End.STOPPED else Outcome.UNREACHABLE
        return TargetChecks(target.name, target.site, outcome, checks, reason)
    name, check = found.current or (target.name, "(start of the checks)")
    if name == target.name:
        return _judged(target, (*checks, _ended(check, found.end, seconds)))
    # All checks of a target come one after the other: one that has some and is not under way has them all.
    return _judged(target, checks) if checks else None


def _why_not_checked(found: Found) -> str:
    """Why nothing is known of the instances of the machine; empty where something is."""
    if found.end is End.STOPPED:
        return "stopped before it was checked"
    is_late = found.end is End.HUNG and not found.is_connected
    return found.unreachable or ("no connection in time" if is_late else "")


def _ended(check: str, end: End, seconds: float) -> CheckResult:
    said = f"it did not end within {seconds:g} s" if end is End.HUNG else "it ended the process of the checks"
    return CheckResult(check, CheckOutcome.FAILED, error=said)


def _judged(target: Target, checks: tuple[CheckResult, ...]) -> TargetChecks:
    if not checks:
        return TargetChecks(target.name, target.site, Outcome.FAILED, error="no check was run")
    failed = next((check for check in checks if check.outcome is CheckOutcome.FAILED), None)
    outcome = Outcome.FAILED if failed else Outcome.OK
    return TargetChecks(target.name, target.site, outcome, checks, failed.error if failed else "")


def _redacted(result: TargetChecks, redact: Callable[[str], str]) -> TargetChecks:
    checks = tuple(
        CheckResult(one.check, one.outcome, one.seconds, redact(one.error), redact(one.text)) for one in result.checks
    )
    return TargetChecks(result.target, result.site, result.outcome, checks, redact(result.error))


def _short_folder() -> str | None:
    usual = tempfile.gettempdir()
    return usual if len(usual) + len("/dply-12345678") <= _LONGEST_FOLDER and " " not in usual else "/tmp"  # noqa: S108  mkdtemp makes it ours
