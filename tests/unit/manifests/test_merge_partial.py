"""What stands behind a conflict in a partial result: the next item is whole, on a line of its own, with its comment."""

from __future__ import annotations

import pytest

from deployer.manifests import ManifestFormats
from deployer.model.merge import MergeResult


def merged(path: str, base: str, ours: str, theirs: str) -> MergeResult:
    """A merge of three texts."""
    return ManifestFormats().merge(path, base.encode(), ours.encode(), theirs.encode())


def block(ours: str, theirs: str) -> str:
    """A conflict between its markers."""
    return f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"


def test_a_comment_on_the_line_of_a_conflict_stays() -> None:
    """It is in front of the next element, and no other element there has one."""
    base = "<m><a x='1'/><!-- about b --><b/><c/></m>\n"
    result = merged("v.xml", base, base.replace("<a x='1'/>", ""), base.replace("1", "2"))

    assert result.content is None
    assert result.partial.decode() == block(base.replace("<a x='1'/>", ""), base.replace("1", "2"))


@pytest.mark.parametrize("between", ["\n", "\n\n", "# about b\n", "\n# about b\n\n"])
def test_blank_lines_and_comments_behind_a_conflict_stay(between: str) -> None:
    """As many as before, although other keys have none."""
    base = f"a: 0\nq: 0\nx: 1\n{between}b: 3\n"
    result = merged("v.yaml", base, base.replace("x: 1\n", ""), base.replace("x: 1", "x: 2"))

    assert result.content is None
    assert result.partial.decode() == base.replace("x: 1\n", block("", "x: 2\n"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_key_with_a_comment_behind_a_conflict_at_the_start_stays_on_its_line(end: str, is_ours: bool) -> None:  # noqa: FBT001
    """One side took the first key away, the other changed it: the comment behind it stands before the conflict."""
    base, without, other = (
        text.replace("\n", end) for text in ("x: 1\n# b\nb: 3\n", "# b\nb: 3\n", "x: 2\n# b\nb: 3\n")
    )
    sides = (without, other) if is_ours else (other, without)
    result = merged("v.yaml", base, *sides)

    assert result.content is None
    lines = result.partial.decode().splitlines()
    assert [line for line in lines if line[0] not in "<=>"] == ["# b", "x: 2", "b: 3"]
    assert lines.index("b: 3") > lines.index(">>>>>>> theirs")


def test_a_renamed_first_key_and_a_comment_behind_it_merge() -> None:
    """Ours takes the first key away, theirs gives it another name: the next key is on its own line."""
    result = merged("v.yaml", "x: 1\n# b\nb: 3\n", "# b\nb: 3\n", "n: 2\n# b\nb: 3\n")

    assert result.content == b"# b\nn: 2\nb: 3\n", result.conflicts


def test_markers_end_as_the_lines_of_the_file_do() -> None:
    """A file of CRLF has no line with LF alone, the lines of the markers included."""
    base = "a: 1\r\nb: 1\r\nc: 1\r\n"
    result = merged("v.yaml", base, base.replace("b: 1", "b: 2"), base.replace("b: 1", "b: 3"))

    assert b">>>>>>> theirs\r\n" in result.partial
    assert result.partial.count(b"\n") == result.partial.count(b"\r\n") == 7
