"""Files that a person names."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from deployer.cli.files import write_bytes
from deployer.errors import DeployerError


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    """A pipe, or as root a device, also behind a link: it is not replaced by a file, and none is left beside it."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()

    write_bytes(link, b"text")
    reader.join(5 if stat.S_ISFIFO(pipe.lstat().st_mode) else 0)

    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert read == [b"text"]
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    """Root's `-o /dev/null` would take it from the whole machine."""
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no devices can be made here")

    write_bytes(null, b"text")

    assert stat.S_ISCHR(null.lstat().st_mode)


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    """In words, with nothing left behind."""
    with pytest.raises(DeployerError, match="cannot be written"):
        write_bytes(tmp_path, b"text")

    assert [*tmp_path.iterdir()] == []


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    """Through a link, which stays one."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to(file)

    write_bytes(link, b"new")

    assert (file.read_bytes(), file.stat().st_mode & 0o777, link.is_symlink()) == (b"new", 0o640, True)
