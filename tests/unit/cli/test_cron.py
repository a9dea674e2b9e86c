"""`--cron`: silent while all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.app import Deployer, Wanted
from deployer.cli.operations import run_and_report
from deployer.cli.options import Context
from deployer.errors import LockedError
from deployer.model.run import Asked, Run
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.settings import Settings
from deployer.testing import FakeClock, MemoryStore

WANTED = Wanted("redeploy", ("fra1",), arguments=("redeploy", "fra1", "--cron"))
FIRST = Run("run-1", "instance-redeploy", "prod", ("fra1",), (), "cron", "box", FakeClock().now(), asked=Asked())


class _Locked(Deployer):
    """A deployer whose instances another run has."""

    def run(self, *_wanted: object, **_how: object) -> Run:
        raise LockedError("instance/viatris on fra1-dep01 is locked", run="run-1")


def _deployer(folder: Path, holder: Run) -> Deployer:
    """One whose record has the run that holds the lock, and that is about to run `WANTED`."""
    deployer = _Locked(settings=Settings(state=folder))
    machine = Machine("fra1-dep01", {})
    site = Site("prod", "fra1", machine, Repository("c", "~/c"), machines={machine.name: machine})
    store = MemoryStore()
    wanted = deployer.catalog.operation("redeploy")
    holder = replace(holder, params={param.name: param.default for param in wanted.params if param.default is not None})
    with store.begin(holder):
        pass
    deployer.__dict__.update(inventory=Inventory("prod", "inventories/prod", {"fra1": site}), store=store)
    return deployer


def test_a_cron_job_is_skipped_where_the_same_is_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, and not a word."""
    code = run_and_report(Context(is_silent=True), _deployer(tmp_path, FIRST), WANTED, yes=True)

    said = capsys.readouterr()
    assert (code, said.out + said.err) == (0, "")


@pytest.mark.parametrize("holder", [replace(FIRST, operation="instance-configure"), replace(FIRST, id="run-2")])
def test_a_cron_job_that_somebody_else_keeps_from_its_work_says_so(tmp_path: Path, holder: Run) -> None:
    """Another operation has the lock, or a run that is not on record here: the job was not done, exit 6."""
    with pytest.raises(LockedError):
        run_and_report(Context(is_silent=True), _deployer(tmp_path, holder), WANTED, yes=True)


def test_a_person_is_always_told(tmp_path: Path) -> None:
    """Without --cron a lock is exit 6, also where the same is running."""
    with pytest.raises(LockedError):
        run_and_report(Context(), _deployer(tmp_path, FIRST), WANTED, yes=True)
