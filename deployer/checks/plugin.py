"""pytest for one machine: the fixtures of a check, and what became of each."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest
from testinfra.host import Host

from deployer.checks.connecting import HostGoneError, Link
from deployer.checks.job import Job
from deployer.checks.live import LiveService
from deployer.checks.rows import Rows
from deployer.model.json import JsonObject, JsonValue

_PARAMETER = "_target"
_CONFIGURATION = "[pytest]\n"
_LONGEST = 500


def run(job: Job, link: Link, rows: Rows) -> int:
    """Run every check on every instance of the machine; pytest's exit code."""
    private = Path(job.private)
    configuration = private / "pytest.ini"
    configuration.write_text(_CONFIGURATION, encoding="utf-8")
    # pytest loads a conftest.py from each folder above a test, too: through these links there is none above.
    links = [private / f"checks{number}" for number, _ in enumerate(job.folders)]
    for path, folder in zip(links, job.folders, strict=True):
        path.symlink_to(folder)
    arguments = ["-c", str(configuration), "--rootdir", str(private), "--confcutdir", str(private)]
    arguments += ["-p", "no:cacheprovider", "--import-mode=importlib", "-q", "--disable-warnings", "--color=no"]
    arguments += ["--show-capture=no", f"--basetemp={private / 'tmp'}"]
    # Neither a variable of the user nor a plugin that happens to be installed decides how checks run.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(pytest.main([*arguments, *map(str, links)], plugins=[Checks(job, link, rows, links)]))


class Checks:
    """The plugin.

    Args:
        job: what is checked.
        link: the machine.
        rows: whom to tell.
        links: what pytest sees of the job's folders.
    """

    def __init__(self, job: Job, link: Link, rows: Rows, links: list[Path]) -> None:
        self._job = job
        self._link = link
        self._rows = rows
        self._links = links
        self._reports: list[pytest.TestReport] = []
        self._is_gone = ""

    # Fixtures

    @pytest.fixture(autouse=True, scope="session")
    def _target(self, request: pytest.FixtureRequest) -> JsonObject:
        found: JsonObject = request.param
        return found

    @pytest.fixture(scope="session")
    def host(self, _target: JsonObject) -> Host:
        """Testinfra's host: the machine where the instance runs."""
        return self._link.host()

    @pytest.fixture(scope="session")
    def instance(self, _target: JsonObject) -> JsonValue:
        """The variable `instance`, as the operation's playbook sees it."""
        return _target["instance"]

    @pytest.fixture(scope="session")
    def variables(self, _target: JsonObject) -> JsonValue:
        """The inventory's variables of the machine, less connection and secrets."""
        return _target["variables"]

    @pytest.fixture(scope="session")
    def params(self, _target: JsonObject) -> JsonValue:
        """The operation's parameters."""
        return _target["params"]

    @pytest.fixture(scope="session")
    def service(self, host: Host, instance: JsonObject, variables: JsonObject) -> LiveService:
        """The service of the instance."""
        return LiveService(host, instance, variables, self._job.connection.python)

    # What pytest asks

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every check once for each instance, an instance after the other."""
        targets = self._job.targets
        metafunc.parametrize(
            _PARAMETER, targets, indirect=True, ids=[str(target["name"]) for target in targets], scope="session"
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be used."""
        if report.failed:
            self._rows.tell("broken", file=self._shown(report.nodeid), error=self._shown(report.longreprtext))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> Generator[None, object, object]:
        """Tell of the start and of the end of a check."""
        target, check = self._who(item)
        self._rows.tell("start", target=target, check=check)
        self._reports = []
        started = time.monotonic()
        answer = yield
        seconds = time.monotonic() - started
        if self._is_gone:
            self._rows.tell("unreachable", error=self._is_gone)
            item.session.shouldstop = self._is_gone
        else:
            self._rows.tell("end", target=target, check=check, seconds=seconds, **self._outcome())
        return answer

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep what each phase came to; a machine that went away is no fault of the instance."""
        report = yield
        self._reports.append(report)
        if call.excinfo is not None and (call.excinfo.errisinstance(HostGoneError) or not self._link.is_alive):
            self._is_gone = call.excinfo.exconly().partition(": ")[2] or "the connection is gone"
        return report

    # Small change

    def _who(self, item: pytest.Function) -> tuple[str, str]:
        parameter = cast("JsonObject", item.callspec.params[_PARAMETER])
        target = str(parameter["name"])
        name = item.name.replace(target, "", 1).replace("[-", "[").replace("-]", "]").replace("[]", "")
        where = item.nodeid.removesuffix(item.name)
        return target, f"{self._name(where)}{name}"

    def _name(self, nodeid: str) -> str:
        """Less the name of our link to its folder."""
        return nodeid.partition("/")[2] or nodeid

    def _outcome(self) -> dict[str, JsonValue]:
        failed = next((report for report in self._reports if report.failed), None)
        if failed is None:
            is_skipped = any(report.skipped for report in self._reports)
            return {"outcome": "skipped" if is_skipped else "passed", "error": "", "text": ""}
        return {"outcome": "failed", "error": _first_line(failed), "text": self._shown(failed.longreprtext)}

    def _shown(self, text: str) -> str:
        """With the paths that the user knows."""
        for link, folder in zip(self._links, self._job.folders, strict=True):
            text = text.replace(str(link), folder).replace(f"{link.name}/", f"{folder}/")
        return text


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longreprtext).strip()
    line = text.splitlines()[0] if text else "it failed"
    return line.removeprefix("AssertionError: ")[:_LONGEST]
