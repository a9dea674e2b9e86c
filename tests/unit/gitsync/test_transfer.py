"""What is looked at when a transfer failed."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from deployer.gitsync.remote.transfer import disk_full


@pytest.mark.parametrize(
    ("blocks", "files", "free", "expected"),
    [(10_000, 1000, 5, False), (10, 1000, 5, True), (10_000, 1000, 0, True), (10_000, 0, 0, False)],
    ids=["room", "no bytes", "no inodes", "a file system that has no inodes to count"],
)
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, *, blocks: int, files: int, free: int, expected: bool) -> None:
    """Either of the two that can run out."""
    status = SimpleNamespace(f_bavail=blocks, f_frsize=4096, f_files=files, f_favail=free)
    monkeypatch.setattr(os, "statvfs", lambda _folder: status)

    assert disk_full("/") is expected
