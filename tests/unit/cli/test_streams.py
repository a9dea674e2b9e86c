"""Odd starts: standard streams that are closed (`>&-`, as of some cron and service managers), a folder that is gone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def _run(folder: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "a.json").write_text('{"x": 1}')
    (folder / "b.json").write_text('{"x": 2}')
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "DEPLOYER_STATE": str(folder / "state")}
    argv = ["sh", "-c", f"exec {shlex.quote(sys.executable)} -m deployer {arguments}"]
    return subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"), [("compare a.json b.json", 8), ("compare a.json b.json --json", 8), ("--help", 0), ("no", 2)]
)
def test_a_closed_stream_changes_no_exit_code(tmp_path: Path, arguments: str, code: int, closed: str) -> None:
    """It is as a reader that left: what was done counts."""
    done = _run(tmp_path, f"{arguments} {closed}")

    assert done.returncode == code, done.stderr
    assert "fault" not in done.stderr


def test_files_do_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """A message would be written into the record of runs."""
    done = _run(tmp_path, "status 2>&- >&-")

    assert done.returncode == 0
    assert (tmp_path / "state" / "deployer.db").read_bytes().startswith(b"SQLite")


def test_a_folder_that_is_gone_is_no_matter(tmp_path: Path) -> None:
    """Another person may have removed the folder that one stands in."""
    (tmp_path / "gone").mkdir()
    script = f'rmdir "$PWD" && exec {shlex.quote(sys.executable)} -m deployer settings'
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path / "gone", env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "plan redeploy fra1 -i inventory",
        "merge {0} {0} {0} -o merged.json",
        "sync --clone clone",
        "undo --clone clone -l",
    ],
)
def test_a_relative_path_means_nothing_in_a_folder_that_is_gone(tmp_path: Path, arguments: str) -> None:
    """Least of all the same path somewhere else."""
    (tmp_path / "gone").mkdir()
    (tmp_path / "a.json").write_text("{}")
    given = arguments.format(tmp_path / "a.json")
    script = f'rmdir "$PWD" && exec {shlex.quote(sys.executable)} -m deployer {given}'
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DEPLOYER_STATE": str(tmp_path / "state")}

    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path / "gone", env=environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr.splitlines()[:1]) == (2, ["deployer: the current folder is gone"]), done.stderr


@pytest.mark.parametrize("options", ["", " --json"])
def test_an_output_for_which_there_is_no_room(tmp_path: Path, options: str) -> None:
    """Said on the other stream, in one line: it is no fault of deployer."""
    done = _run(tmp_path, f"compare a.json b.json{options} >/dev/full")

    said = "deployer: the output could not be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)
