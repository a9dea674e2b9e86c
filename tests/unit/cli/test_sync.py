"""`deployer sync` and `undo` of what a person typed, before anything is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.app import Deployer
from deployer.cli.main import main
from deployer.errors import AttentionError, LockedError, UnreachableError
from deployer.model.sync import CloneState, Commit, ManualWork, SyncResult, SyncStatus
from deployer.rollout.syncing import SiteSync


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own, with somebody who would be told of manual work, in a folder that is no clone."""
    told, state = tmp_path / "told", tmp_path / "state"
    monkeypatch.setenv("DEPLOYER_STATE", str(state))
    monkeypatch.setenv("DEPLOYER_ON_ATTENTION__COMMAND", f"touch,{told}")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return state


@pytest.mark.parametrize("command", [("sync",), ("sync", "--check"), ("undo",), ("undo", "--list")])
@pytest.mark.parametrize("clone", ["typo", "."])
def test_a_clone_that_is_none_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], clone: str
) -> None:
    """Nothing is recorded, nobody is told, and no command to paste would move the folder away."""
    code = main([*command, "--clone", clone])
    said = capsys.readouterr()
    main(["status", "--json"])
    status = json.loads(capsys.readouterr().out)["data"]
    main(["attention", "--json"])

    assert code == 2
    assert said.out == ""
    assert str(tmp_path / "here") in said.err
    assert "mv -n" not in said.err
    assert status["sites"] == json.loads(capsys.readouterr().out)["data"] == []
    assert not (tmp_path / "told").exists()


def test_a_check_makes_no_clones(capsys: pytest.CaptureFixture[str]) -> None:
    """It only looks, so it is refused together with the option that makes them, before any site is."""
    assert main(["sync", "--check", "--clone-missing"]) == 2
    assert "--check only looks" in capsys.readouterr().err


def test_a_clone_that_needs_a_person_wins_over_a_site_that_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 5 before 4, whichever came first; what to do is there with its commands."""
    away = SiteSync("ams2", error=UnreachableError("ams2-prod-dep01 did not answer"))
    stuck = SiteSync("fra1", error=AttentionError("no such repository", hint="git clone there"))
    monkeypatch.setattr(Deployer, "sync", lambda *_arguments, **_named: (away, stuck))

    assert main(["sync", "--clone-missing"]) == 5
    assert "fra1: no such repository\ngit clone there\n" in capsys.readouterr().out


COMMIT = Commit("1f" * 20, "Ada <ada@example.org>", "2026-11-20", "more", ("viatris.xml",))
PLACE = ("fra1-prod-dep01", "~/c", "main")
MANUAL = ManualWork("1", *PLACE[:2], "git push", "conflict", "manual intervention needed", "Both.", ("ls",))
IN_STEP = SiteSync("ams2", result=SyncResult(*PLACE, SyncStatus.IN_SYNC, "a", "a", "a"))


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (IN_STEP, 0),
        (SiteSync("fra1", result=SyncResult(*PLACE, SyncStatus.RETRY_LATER, "a", "a", "")), 4),
        (SiteSync("fra1", error=UnreachableError("fra1-prod-dep01 did not answer")), 4),
        (SiteSync("fra1", error=LockedError("somebody else syncs it")), 6),
        (SiteSync("fra1", manual=MANUAL), 5),
        (SiteSync("fra1", state=CloneState(*PLACE, "a", "a")), 0),
        (SiteSync("fra1", state=CloneState(*PLACE, "b", "a", ahead=(COMMIT,))), 8),
        (SiteSync("fra1", state=CloneState(*PLACE, "a", "b", behind=(COMMIT,))), 8),
    ],
)
def test_the_exit_code_is_that_of_the_site_which_is_not_in_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: SiteSync, code: int
) -> None:
    """Beside one that is, whichever comes first; cron is told of it, and of nothing else."""
    for sites in ((found, IN_STEP), (IN_STEP, found)):
        monkeypatch.setattr(Deployer, "sync", lambda *_arguments, sites=sites, **_named: sites)

        assert main(["sync", "--cron"]) == code
        assert ("fra1" in capsys.readouterr().out) is (code != 0)
