"""Unpacking: what a hostile archive can hold, and what a good one keeps. In: tar files made here; out: a folder."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import ansible.module_utils.release_switch
import pytest
from ansible.module_utils.release_switch.archive import unpack
from ansible.module_utils.release_switch.errors import ReleaseError
from ansible.module_utils.release_switch.limits import Limits


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
        unpack(pack(entry("good"), *members), tmp_path / "release", Limits())
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
    assert unpack(pack(*members), release, Limits()) == 5
    assert (release / "bin" / "serve").read_text() == "x\n"
    assert (release / "again" / "serve.py").read_text() == "x\n"
    assert (release / "copy").read_text() == "x\n"


def test_permissions_are_ours(pack: Pack, tmp_path: Path) -> None:
    """Set-id bits and write permissions of an archive are not taken over; executable stays executable."""
    release = tmp_path / "release"
    unpack(pack(entry("a", mode=0o6777), entry("b", mode=0o666), entry("c", mode=0)), release, Limits())
    assert [oct((release / name).stat().st_mode & 0o7777) for name in "abc"] == ["0o755", "0o644", "0o644"]


@pytest.mark.parametrize("cut", [0, 1, 60])
def test_damaged_archive(pack: Pack, tmp_path: Path, cut: int) -> None:
    """What is not a whole archive is told as such."""
    path = pack(entry("a"), entry("b"))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ReleaseError, match="the archive cannot be unpacked"):
        unpack(path, tmp_path / "release", Limits())


def test_file_that_is_a_folder_too(pack: Pack, tmp_path: Path) -> None:
    """Two members that cannot both be are an error, not a half release that looks whole."""
    with pytest.raises(ReleaseError, match="the archive cannot be unpacked"):
        unpack(pack(entry("a"), entry("a/b")), tmp_path / "release", Limits())


def zeros(path: Path, *members: tuple[tarfile.TarInfo, int]) -> Path:
    """An archive of files of zeros, and links."""
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member, size in members:
            member.size = size
            with Path("/dev/zero").open("rb") as source:
                archive.addfile(member, source if member.isreg() else None)
    return path


def long_name(path: Path) -> Path:
    """A member whose name has 40 MB, which tarfile would read into memory."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        header = tarfile.TarInfo("././@LongLink")
        header.type, header.size = tarfile.GNUTYPE_LONGNAME, 40 << 20
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.write(b"n" * (40 << 20))
        file.write(entry("x").tobuf())
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: zeros(path, (entry("a"), 11 << 20)), r"more than 10 MiB \(release_most_size"),
        (lambda path: zeros(path, *((entry(f"{n}"), 0) for n in range(1001))), r"than 1000 files \(release_most_files"),
        (
            lambda path: zeros(
                path, (entry("a"), 1 << 20), *((entry(f"{n}", kind=tarfile.LNKTYPE, link="a"), 0) for n in range(10))
            ),
            r"more than 10 MiB \(release_most_size",
        ),
        (long_name, "a header has more than 1048576 bytes"),
    ],
    ids=["size", "files", "hard links", "header"],
)
def test_refused_before_it_is_unpacked(tmp_path: Path, make: Callable[[Path], Path], told: str) -> None:
    """What would unfold into more than a release may be, within a fixed memory, and with nothing written."""
    path = make(tmp_path / "archive.tar.gz")
    argv = ["prlimit", f"--data={64 << 20}", "--fsize=0", "--cpu=20", "--", sys.executable, "-c", UNPACK]
    folder = Path(ansible.module_utils.release_switch.__file__).parents[1]
    ended = subprocess.run(
        [*argv, str(folder), str(path), str(tmp_path / "release")], capture_output=True, text=True, check=False
    )
    assert re.search(told, ended.stdout), ended
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar.gz"]


UNPACK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from release_switch import archive, errors, limits
try:
    archive.unpack(Path(sys.argv[2]), Path(sys.argv[3]), limits.Limits(10 << 20, 1000))
except errors.ReleaseError as error:
    print(error)
"""
