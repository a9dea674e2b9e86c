"""Which tests are run for the mutants of which package, in their order: the quick ones and the nearest first.

`make mutants` counts a mutant as killed by these tests only. The suite has more of them, so the score is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

UNIT = ("tests/unit/gitsync", "tests/unit/rollout/test_syncing.py")
GIT = "tests/integration/gitsync"
MAIN_JOB = "tests/acceptance/test_main_job.py"
COMMAND = "tests/acceptance/test_merge_command.py"

TESTS: Mapping[str, Sequence[str]] = {
    "deployer/gitsync": (
        *UNIT, GIT, "tests/integration/pasting", "tests/unit/cli/test_undo.py", COMMAND,
        "tests/acceptance/test_undo.py",
    ),
    "deployer/gitsync/remote": (*UNIT, GIT, "tests/acceptance/test_undo.py"),
    "deployer/manifests/merging": (
        "tests/unit/manifests", "tests/unit/cli/test_merge_driver.py", f"{GIT}/test_merging.py", COMMAND,
    ),
    "deployer/rollout": (
        "tests/unit/rollout", "tests/unit/cli", "tests/unit/test_testing.py", MAIN_JOB,
        "tests/acceptance/test_retry.py", "tests/acceptance/test_attention.py",
    ),
    "deployer/playbook": (
        "tests/unit/playbook", "tests/integration/playbook", MAIN_JOB, "tests/acceptance/test_secrets.py",
        "tests/acceptance/test_bad_input.py",
    ),
    "deployer/secrets": ("tests/unit/secrets", "tests/unit/playbook"),
    "deployer/store": ("tests/unit/store", "tests/contract", "tests/integration/store", "tests/unit/cli"),
}  # fmt: skip

NEAREST: Mapping[str, Sequence[str]] = {
    "deployer/gitsync/driver": (COMMAND,),
    "deployer/gitsync/engine": (f"{GIT}/test_landing.py", f"{GIT}/test_people.py"),
    "deployer/gitsync/undoing": (f"{GIT}/test_undo.py",),
    "deployer/gitsync/remote/adopt": (f"{GIT}/test_people.py", f"{GIT}/test_landing.py"),
    "deployer/gitsync/remote/batch": (f"{GIT}/test_trees.py",),
    "deployer/gitsync/remote/combine": (f"{GIT}/test_combining.py",),
    "deployer/gitsync/remote/history": (f"{GIT}/test_undo.py", f"{GIT}/test_landing.py"),
    "deployer/gitsync/remote/http": ("tests/unit/gitsync/test_http.py", f"{GIT}/test_transport.py"),
    "deployer/gitsync/remote/journal": (f"{GIT}/test_after_a_crash.py", f"{GIT}/test_contention.py"),
    "deployer/gitsync/remote/leftovers": (f"{GIT}/test_after_a_crash.py",),
    "deployer/gitsync/remote/merge": (f"{GIT}/test_merging.py", f"{GIT}/test_combining.py"),
    "deployer/gitsync/remote/preflight": (f"{GIT}/test_mending.py", f"{GIT}/faults"),
    "deployer/gitsync/remote/replay": (f"{GIT}/test_landing.py", f"{GIT}/test_merging.py"),
    "deployer/gitsync/remote/snapshots": (f"{GIT}/test_snapshots.py", f"{GIT}/test_undo.py"),
    "deployer/gitsync/remote/steps": (f"{GIT}/test_landing.py", f"{GIT}/test_contention.py"),
    "deployer/gitsync/remote/transfer": (f"{GIT}/test_transport.py", f"{GIT}/test_landing.py"),
    "deployer/gitsync/remote/trees": (f"{GIT}/test_trees.py",),
    "deployer/gitsync/remote/undo": (f"{GIT}/test_undo.py",),
    "deployer/gitsync/remote/worktree": (f"{GIT}/test_people.py", f"{GIT}/test_landing.py"),
}
"""Module -> the tests to begin with, so that most of its mutants are killed soon."""

NEVER = ("test_nspawn.py", "test_molecule.py", "test_rehearsal.py", "test_systemd.py")
"""They build an image or take minutes, and are about other code."""


def test_files(root: Path, package: str, module: str) -> list[str]:
    """The files for a mutant of this module, each once, the nearest first."""
    near = NEAREST.get(module.removesuffix(".py"), ())
    found = [file for folder in (*near, *TESTS[package]) for file in _files(root / folder)]
    return [str(file.relative_to(root)) for file in dict.fromkeys(found)]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from (file for file in sorted(path.rglob("test_*.py")) if file.name not in NEVER)
