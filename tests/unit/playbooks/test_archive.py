"""Unpacking: what a hostile archive can hold, and what a good one keeps. In: tar files made here; out: a folder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.module_utils.release_switch.archive import unpack
from ansible.module_utils.release_switch.errors import ReleaseError


def entry(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """A member of two bytes, or a link."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, mode
    member.size = 2 if kind == tarfile.REGTYPE else 0
    return member


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link."""
    return entry(name, kind=tarfile.SYMTYPE, link=target)


Pack = Callable[..., Path]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """How to make an archive of members."""

    def make(*members: tarfile.TarInfo) -> Path:
        path = tmp_path / "archive.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for member in members:
                archive.addfile(member, io.BytesIO(b"x\n") if member.isreg() else None)
        return path

    return make


@pytest.mark.parametrize(
    "members",
    [
        [entry("/etc/x")],
        [entry("../x")],
        [entry("a/../../x")],
        [link("a", "/etc")],
        [link("a", "..")],
        [link("a/b", "../../x")],
        [link("a", "b"), entry("a/x")],
        [link("l", "."), link("m", "l/..")],
        [entry("d", kind=tarfile.DIRTYPE), link("d/l", "."), link("m", "d/l/../../..")],
        [entry("x"), link("x", "y")],
        [entry("x"), entry("./x")],
        [entry("a", kind=tarfile.LNKTYPE, link="../x")],
        [entry("a", kind=tarfile.LNKTYPE, link="/etc/passwd")],
        [link("s", "t"), entry("a", kind=tarfile.LNKTYPE, link="s")],
        [entry("a", kind=tarfile.FIFOTYPE)],
        [entry("a", kind=tarfile.CHRTYPE)],
    ],
    ids=lambda members: " ".join(f"{one.name}>{one.linkname}" if one.linkname else one.name for one in members),
)
def test_refused_whole(pack: Pack, tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    """One member that reaches outside, or could, and nothing is unpacked at all."""
    with pytest.raises(ReleaseError, match="the archive is refused: "):
        unpack(pack(entry("good"), *members), tmp_path / "release")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive.tar.gz"]


def test_links_inside_are_kept(pack: Pack, tmp_path: Path) -> None:
    """Links that stay inside are what they were; a hard link has the content of its file."""
    release = tmp_path / "release"
    members = [
        link("bin/serve", "../lib/./serve.py"),
        entry("lib/serve.py", mode=0o755),
        link("current", "lib"),
        link("again", "current"),
        entry("copy", kind=tarfile.LNKTYPE, link="./lib/serve.py"),
    ]
    assert unpack(pack(*members), release) == 5
    assert (release / "bin" / "serve").read_text() == "x\n"
    assert (release / "again" / "serve.py").read_text() == "x\n"
    assert (release / "copy").read_text() == "x\n"


def test_permissions_are_ours(pack: Pack, tmp_path: Path) -> None:
    """Set-id bits and write permissions of an archive are not taken over; executable stays executable."""
    release = tmp_path / "release"
    unpack(pack(entry("a", mode=0o6777), entry("b", mode=0o666), entry("c", mode=0)), release)
    assert [oct((release / name).stat().st_mode & 0o7777) for name in "abc"] == ["0o755", "0o644", "0o644"]


@pytest.mark.parametrize("cut", [0, 1, 60])
def test_damaged_archive(pack: Pack, tmp_path: Path, cut: int) -> None:
    """What is not a whole archive is told as such."""
    path = pack(entry("a"), entry("b"))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ReleaseError, match="the archive cannot be unpacked"):
        unpack(path, tmp_path / "release")


def test_file_that_is_a_folder_too(pack: Pack, tmp_path: Path) -> None:
    """Two members that cannot both be are an error, not a half release that looks whole."""
    with pytest.raises(ReleaseError, match="the archive cannot be unpacked"):
        unpack(pack(entry("a"), entry("a/b")), tmp_path / "release")
