"""`deployer merge` and `deployer compare` as a person and as git call them. No inventory, no sandbox."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Shell

BASE = """<?xml version="1.0" encoding="UTF-8"?>
<instance name="viatris">
  <release version="1.4.2" channel="stable"/>
  <env name="LANG" value="C"/>
  <port>8080</port>
</instance>
"""
OURS = BASE.replace("1.4.2", "1.5.0")
THEIRS = BASE.replace("  <port>", '  <env name="TZ" value="UTC"/>\n  <port>')
BOTH = OURS.replace("  <port>", '  <env name="TZ" value="UTC"/>\n  <port>')
OTHER = BASE.replace("1.4.2", "1.6.0").replace('value="C"', 'value="C.UTF-8"')
Files = Callable[..., tuple[str, ...]]


@pytest.fixture
def files(shell: Shell) -> Files:
    """Writes three versions of a file, or two; their names."""

    def write(*texts: str | bytes, suffix: str = ".xml") -> tuple[str, ...]:
        names = [f"{name}{suffix}" for name, _text in zip(("base", "ours", "theirs"), texts, strict=False)]
        for name, text in zip(names, texts, strict=True):
            (shell.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tuple(names)

    return write


def git(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run git as a person."""
    done = subprocess.run(
        ["git", "-c", "user.name=Erin", "-c", "user.email=erin@example.org", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def commit(folder: Path, text: str, subject: str) -> None:
    """Commit a text of viatris.xml."""
    (folder / "viatris.xml").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)


def test_both_changes_come_out(shell: Shell, files: Files) -> None:
    """Where git's line merge would stop or not, two changes of different elements are one file."""
    done = shell("merge", *files(BASE, OURS, THEIRS))

    assert (done.code, done.out) == (0, BOTH), done.err


def test_the_result_goes_to_a_file(shell: Shell, files: Files) -> None:
    """Also to one of the three, which is read before it is written."""
    done = shell("merge", *files(BASE, OURS, THEIRS), "-o", "ours.xml")

    assert (done.code, done.out) == (0, "")
    assert (shell.folder / "ours.xml").read_text() == BOTH


def test_a_conflict_is_told_field_by_field(shell: Shell, files: Files) -> None:
    """Exit 5, the place and the three values; the result keeps what merged and marks the rest."""
    done = shell("merge", *files(BASE, OURS, OTHER), "--path", "viatris.xml")

    assert done.code == 5
    assert "viatris.xml" in done.err
    assert all(value in done.err for value in ("version", "1.4.2", "1.5.0", "1.6.0"))
    assert "LANG" not in done.err
    assert 'value="C.UTF-8"' in done.out
    assert "<<<<<<<" in done.out
    assert ">>>>>>>" in done.out


def test_a_conflict_as_json(shell: Shell, files: Files) -> None:
    """The same for a program."""
    done = shell("merge", *files(BASE, OURS, OTHER), "--json")
    data = done.document["data"]

    assert done.code == done.document["exit_code"] == 5
    assert data["clean"] is False
    (conflict,) = data["conflicts"]
    assert (conflict["base"], conflict["ours"], conflict["theirs"]) == ("1.4.2", "1.5.0", "1.6.0")
    assert "version" in conflict["path"]
    assert "<<<<<<<" in data["content"]


@pytest.mark.parametrize(
    ("texts", "suffix", "code"),
    [
        ((BASE, OURS, "<instance>"), ".xml", 1),
        ((BASE, OURS, b"\xff\xfe\x00nothing"), ".xml", 1),
        (('{"a": 1}', '{"a": 1, "a": 2}', "{}"), ".json", 1),
        (("a: 1\n", "a: [\n", "a: 2\n"), ".yaml", 1),
        (("a", "b", "c"), ".txt", 2),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_written(
    shell: Shell, files: Files, texts: tuple[str | bytes, ...], suffix: str, code: int
) -> None:
    """Exit 1 with file and line, 2 for what is no format; the output file is not touched."""
    done = shell("merge", *files(*texts, suffix=suffix), "-o", "out")

    assert done.code == code, done.err
    assert done.out == ""
    assert len(done.err.splitlines()[0]) > len("deployer: ")
    assert not (shell.folder / "out").exists()


def test_a_missing_file_is_exit_1(shell: Shell, files: Files) -> None:
    """One line, no traceback."""
    base, ours, _theirs = files(BASE, OURS, THEIRS)
    done = shell("merge", base, ours, "gone.xml")

    assert done.code == 1
    assert "gone.xml" in done.err
    assert "fault of deployer" not in done.err


@pytest.fixture
def repository(shell: Shell) -> Path:
    """A clone with two branches that changed one manifest, and the driver installed."""
    folder = shell.folder / "clone"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, BASE, "first")
    git(folder, "checkout", "-q", "-b", "other")
    commit(folder, THEIRS, "theirs")
    git(folder, "checkout", "-q", "main")
    commit(folder, OURS, "ours")
    installed = shell("merge", "--install", "clone")
    assert installed.code == 0, installed.err
    return folder


def test_git_merges_manifests_with_it(repository: Path) -> None:
    """`git merge` of a repository where it is installed gives the structural result."""
    git(repository, "merge", "-q", "-m", "both", "other")

    assert (repository / "viatris.xml").read_text() == BOTH
    assert "*.xml merge=deployer" in (repository / ".gitattributes").read_text()


def test_installing_again_changes_nothing(repository: Path, shell: Shell) -> None:
    """One section, one line per suffix; what people wrote into .gitattributes stays."""
    attributes = repository / ".gitattributes"
    attributes.write_text("*.png binary\n" + attributes.read_text())
    before = attributes.read_text(), (repository / ".git" / "config").read_text()

    assert shell("merge", "--install", "clone").code == 0
    assert (attributes.read_text(), (repository / ".git" / "config").read_text()) == before


def test_a_conflict_under_git_is_left_between_markers(repository: Path) -> None:
    """As git leaves its own: exit 1, the file unmerged, and all that merged is in it."""
    git(repository, "checkout", "-q", "-b", "third", "HEAD~")
    commit(repository, OTHER, "third")
    git(repository, "merge", "-q", "main", code=1)
    text = (repository / "viatris.xml").read_text()

    assert "<<<<<<< " in text
    assert "C.UTF-8" in text
    assert git(repository, "diff", "--name-only", "--diff-filter=U").split() == ["viatris.xml"]


def test_what_the_driver_cannot_read_goes_to_gits_own_merge(repository: Path) -> None:
    """A broken manifest merges by lines where lines allow it."""
    broken = BASE.replace("</instance>", "")
    git(repository, "checkout", "-q", "-b", "broken", "HEAD~")
    commit(repository, broken, "broken")
    git(repository, "checkout", "-q", "-b", "first")
    commit(repository, "<!-- a -->\n" + broken, "first")
    git(repository, "checkout", "-q", "-b", "second", "broken")
    commit(repository, broken + "<!-- b -->\n", "second")
    git(repository, "merge", "-q", "-m", "both", "first")

    assert (repository / "viatris.xml").read_text() == "<!-- a -->\n" + broken + "<!-- b -->\n"


def test_install_where_there_is_no_repository(shell: Shell) -> None:
    """A usage error, and nothing is made."""
    done = shell("merge", "--install", ".")

    assert done.code == 2
    assert not (shell.folder / ".gitattributes").exists()


def test_install_where_nothing_can_be_written(shell: Shell) -> None:
    """An ordinary failure that names the place, not an error of the program."""
    git(shell.folder, "init", "-q", "clone")
    (shell.folder / "clone" / ".gitattributes").mkdir()

    done = shell("merge", "--install", "clone")

    assert done.code == 1
    assert "clone" in done.err
    assert "fault of deployer" not in done.err


def test_compare_shows_the_change_per_element(shell: Shell, files: Files) -> None:
    """Exit 8 with a line for each change; lines moved or re-indented are no change."""
    base, other, _ = files(BASE, BOTH, BASE.replace("  <", "      <"))
    changed = shell("compare", base, other)
    same = shell("compare", base, "theirs.xml")

    assert changed.code == 8
    assert len(changed.out.splitlines()) == 2
    assert any(line.startswith("~") and "1.4.2 -> 1.5.0" in line for line in changed.out.splitlines())
    assert any(line.startswith("+") and "TZ" in line for line in changed.out.splitlines())
    assert (same.code, same.out) == (0, "")


def test_compare_as_json(shell: Shell, files: Files) -> None:
    """Path, kind, before and after."""
    base, other = files(BASE, OURS)
    data = shell("compare", base, other, "--json").document["data"]

    (change,) = data["changes"]
    assert (change["kind"], change["before"], change["after"]) == ("changed", "1.4.2", "1.5.0")
