"""Which tests are run for the mutants of which package, in their order: the quick ones and the nearest first.

`make mutants` counts a mutant as killed by these tests only. The suite has more of them, so the score is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

GITSYNC = ("tests/unit/gitsync", "tests/unit/rollout", "tests/integration/gitsync")
MANIFESTS = ("tests/unit/manifests",)

TESTS: Mapping[str, Sequence[str]] = {
    "deployer/gitsync": (*GITSYNC, "tests/unit/cli", "tests/acceptance/test_bad_input.py"),
    "deployer/gitsync/remote": GITSYNC,
    "deployer/manifests/merging": (*MANIFESTS, "tests/unit/cli/test_merge_driver.py", "tests/integration/gitsync"),
    "deployer/rollout": ("tests/unit/rollout", "tests/unit/cli", "tests/unit/test_testing.py", "tests/acceptance"),
    "deployer/playbook": ("tests/unit/playbook", "tests/integration/playbook", "tests/acceptance"),
    "deployer/store": ("tests/unit/store", "tests/contract", "tests/integration/store", "tests/unit/cli"),
}

NEAREST: Mapping[str, Sequence[str]] = {
    "deployer/gitsync/undoing": ("tests/integration/gitsync/test_undo.py",),
}

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
