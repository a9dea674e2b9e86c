"""`deployer merge --driver`, as git calls it: theirs is in the file afterwards, whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli.main import main
from deployer.errors import DeployerError
from deployer.manifests import ManifestFormats
from deployer.model.merge import RULES_FILE, MergeResult

BASE = "<i>\n  <a>1</a>\n  <b>1</b>\n  <c>1</c>\n</i>\n"
OURS = BASE.replace("<a>1", "<a>2")
THEIRS = BASE.replace("<a>1", "<a>3")
MARKED = (
    "<i>\n<<<<<<< ours\n  <a>2</a>\n=======\n  <a>3</a>\n>>>>>>> theirs\n  <b>1</b>\n  <c>1</c>\n</i>\n"  # git's words
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _driven(base: str | bytes, ours: str | bytes, theirs: str | bytes) -> tuple[int, bytes]:
    """Exit code, and what OURS holds then."""
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    code = main(["merge", "--driver", "--marker-size", "7", "--path", "a.xml", "base", "ours", "theirs"])
    return code, Path("ours").read_bytes()


@pytest.mark.parametrize("error", [DeployerError("no git here"), RecursionError("too deep")])
def test_a_merge_that_fails_leaves_gits_own_conflict(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Between markers: with our side alone `git add` would lose theirs."""

    def broken(*_arguments: object, **_named: object) -> MergeResult:
        raise error

    monkeypatch.setattr(ManifestFormats, "merge", broken)

    assert _driven(BASE, OURS, THEIRS) == (1, MARKED.encode())


def test_a_conflict_with_nothing_to_show_is_gits_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where our merge gives no text at all."""
    monkeypatch.setattr(ManifestFormats, "merge", lambda *_arguments, **_named: MergeResult(None))

    assert _driven(BASE, OURS, THEIRS) == (1, MARKED.encode())


def test_a_wrong_setting_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge needs none: what merges by its structure does."""
    monkeypatch.setenv("DEPLOYER_SYNC__ATTEMPT", "3")
    other = BASE.replace("<b>1", "<b>3")

    assert _driven(BASE, OURS, other) == (0, OURS.replace("<b>1", "<b>3").encode())


def test_rules_that_cannot_be_read_leave_it_to_git() -> None:
    """A clean merge of lines is no conflict without markers; the fault of the rules is told."""
    Path(RULES_FILE).write_text("identity: [\n")
    other = BASE.replace("<c>1", "<c>3")

    assert _driven(BASE, OURS, other) == (0, OURS.replace("<c>1", "<c>3").encode())
    assert _driven(BASE, OURS, THEIRS) == (1, MARKED.encode())


def test_what_has_no_lines_keeps_our_side_in_conflict() -> None:
    """As git itself leaves binary files."""
    assert _driven(b"\0a", b"\0b", b"\0c") == (1, b"\0b")


def test_a_file_that_is_gone_is_a_merge_that_failed(tmp_path: Path) -> None:
    """More than 128: git leaves everything as it was, rather than a conflict that shows one side."""
    assert main(["merge", "--driver", "--path", "a.xml", "base", "ours", "theirs"]) > 128
    assert [*tmp_path.iterdir()] == []
