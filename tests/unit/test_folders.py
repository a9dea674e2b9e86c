"""Files that only their owner reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.folders import make_private_file


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """As a service has it that forgot to set one."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_a_file_is_private_and_one_that_exists_stays(tmp_path: Path) -> None:
    """Whatever the umask is; an administrator may have widened an older one."""
    path = tmp_path / "state" / "runs.db"
    make_private_file(path)
    made = path.stat().st_mode & 0o777
    path.chmod(0o640)
    path.write_text("rows")
    make_private_file(path)

    assert (made, path.stat().st_mode & 0o777, path.read_text()) == (0o600, 0o640, "rows")
