"""Texts in a manifest, and its comments: what either side wrote is in the result, or a person is asked."""

from __future__ import annotations

from deployer.manifests import ManifestFormats
from deployer.model.merge import MergeResult

THREE = "<m><motd>one two three\nfour five six\nseven eight nine</motd></m>"
TWO = "<m><motd>one two three\nfour five six</motd></m>"


def merged(base: str, ours: str, theirs: str, path: str = "v.xml") -> MergeResult:
    """A merge of three texts."""
    return ManifestFormats().merge(path, base.encode(), ours.encode(), theirs.encode())


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


def test_a_line_that_one_side_indents_and_the_other_leaves_stays_indented() -> None:
    """In a script that a manifest holds, spaces are what it says."""
    base = "script: |\n  if true; then\n  run first\n  fi\n  run last\n"
    ours, theirs = base.replace("run last", "run the last one"), base.replace("  run first", "    run first")
    both = theirs.replace("run last", "run the last one").encode()

    assert merged(base, ours, theirs, "v.yaml").content == both
    assert merged(base, theirs, ours, "v.yaml").content == both


def test_cdata_of_a_new_element_is_not_indented_anew() -> None:
    """Ours indents the file otherwise; what stands in CDATA of theirs is text, also where it looks like a tag."""
    base = "<m>\n  <a x='1'/>\n  <b/>\n</m>\n"
    new = "<new><![CDATA[\n  <p>text</p>\n  ]]></new>"
    ours, theirs = base.replace("\n  <", "\n      <"), base.replace("</m>", f"  {new}\n</m>")

    assert merged(base, ours, theirs).content == ours.replace("</m>", f"      {new}\n</m>").encode()


def test_a_comment_takes_the_indentation_that_the_other_side_gave() -> None:
    """One side writes it, and the other only moves everything to the right."""
    base = b'<m>\n  <a x="1"/>\n  <b x="1"/>\n</m>\n'
    noted = base.replace(b"  <b", b"  <!-- c -->\n  <b")
    moved = base.replace(b"  <", b"    <")
    both = noted.replace(b"  <", b"    <")

    assert ManifestFormats().merge("v.xml", base, noted, moved).content == both
    assert ManifestFormats().merge("v.xml", base, moved, noted).content == both


def test_two_comments_about_the_same_new_key_are_both_there() -> None:
    """Both sides add a key alike, and each says why: none of the reasons is dropped in silence."""
    base = "a: 1\nz: 1\n"
    ours, theirs = (base.replace("z: 1", f"# {why}\nn: 1\nz: 1") for why in ("for the move", "asked for by ops"))

    result = merged(base, ours, theirs, "v.yaml")

    assert result.content is None
    assert [(conflict.path, conflict.kind) for conflict in result.conflicts] == [("n", "comment")]
    assert b"# for the move\n" in result.partial
    assert b"# asked for by ops\n" in result.partial


def test_a_comment_that_each_side_writes_before_its_own_new_element_is_there_twice() -> None:
    """The same words about two elements are two comments."""
    base = "<m>\n  <e name='a'/>\n</m>\n"
    one, other = (f"  <!-- new -->\n  <e name='{name}'/>\n" for name in "bc")

    result = merged(base, base.replace("</m>", f"{one}</m>"), base.replace("</m>", f"{other}</m>"))

    assert result.content == base.replace("</m>", f"{one}{other}</m>").encode()
