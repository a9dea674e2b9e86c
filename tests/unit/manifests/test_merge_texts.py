"""Texts of several lines in a manifest: edits of different lines of one land both; a short text is one value."""

from __future__ import annotations

from deployer.manifests import ManifestFormats
from deployer.model.merge import MergeResult

THREE = "<m><motd>one two three\nfour five six\nseven eight nine</motd></m>"
TWO = "<m><motd>one two three\nfour five six</motd></m>"


def merged(base: str, ours: str, theirs: str) -> MergeResult:
    """A merge of three texts."""
    return ManifestFormats().merge("v.xml", base.encode(), ours.encode(), theirs.encode())


def test_edits_of_the_first_and_the_last_of_three_lines_land_both() -> None:
    """The line between them is as both have it."""
    ours, theirs = THREE.replace("one", "1"), THREE.replace("nine", "9")

    assert merged(THREE, ours, theirs).content == THREE.replace("one", "1").replace("nine", "9").encode()
    assert merged(THREE, theirs, ours).content == THREE.replace("one", "1").replace("nine", "9").encode()


def test_a_text_of_two_lines_is_one_value() -> None:
    """Ours puts a line before it, theirs changes its last one: a person is asked, as of any short value."""
    ours, theirs = TWO.replace("one two", "hello all\none two"), TWO.replace("six", "6")

    for sides in ((ours, theirs), (theirs, ours)):
        result = merged(TWO, *sides)
        assert result.content is None
        assert [(conflict.path, conflict.kind) for conflict in result.conflicts] == [("motd", "changed")]
