"""The molecule scenarios of the shipped operations, as `molecule test` runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.sandboxes.table import BACKENDS
from tests.budget.marks import deep
from tests.support import missing

TOP = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCENARIOS = sorted(path.parent.name for path in (TOP / "molecule").glob("*/molecule.yml"))
EVERYDAY = ("nspawn", "instance-redeploy") if os.geteuid() == 0 else ("local", "instance-configure")
"""Real hosts where there can be some."""


def _molecule(home: Path, backend: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run molecule with a home of its own; everything that it makes is in there."""
    home.mkdir()
    kept = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
    return subprocess.run(
        [str(BIN / "molecule"), *arguments],
        cwd=TOP,
        env={
            **kept,
            "HOME": str(home),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "SANDBOX_BACKEND": backend,
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "NO_COLOR": "1",
            **variables,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("backend", "scenario"),
    [
        pytest.param(backend, name, marks=[] if (backend, name) == EVERYDAY else deep(60))
        for name in SCENARIOS
        for backend in sorted(BACKENDS)
    ],
)
def test_every_scenario_passes(tmp_path: Path, backend: str, scenario: str) -> None:
    """Create, converge, idempotence, side effect, verify, destroy; nothing of the sandboxes is left."""
    if backend != "local" and os.geteuid() != 0:
        missing(f"the backend {backend} needs root")

    done = _molecule(tmp_path / "home", backend, "test", "-s", scenario)

    assert done.returncode == 0, done.stdout[-20000:]
    assert "Molecule executed 1 scenario (1 successful)" in done.stdout
    assert not list((tmp_path / "home").rglob("sandbox.json"))
