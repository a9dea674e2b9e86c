"""Lists whose items have no identity: an insertion moves nobody, and the check stays strict."""

from __future__ import annotations

import pytest

from deployer.manifests import ManifestFormats

YAML = b"version: 1\nsteps:\n" + b"".join(b"- run: step %d\n  timeout: 5\n" % number for number in range(12))
XML = b"<m>\n" + b"".join(b"<step><run>step %d</run>\n<timeout>5</timeout></step>\n" % n for n in range(12)) + b"</m>\n"


def _merged(path: str, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    return ManifestFormats().merge(path, base, ours, theirs).content


@pytest.mark.parametrize(
    ("path", "base", "inserted", "before", "old", "new"),
    [
        ("a.yaml", YAML, b"- run: first\n  timeout: 9\n", b"- run: step 0\n", b"step 9\n", b"step nine\n"),
        ("a.xml", XML, b"<step><run>first</run></step>\n", b"<step><run>step 0<", b"step 9<", b"step nine<"),
    ],
)
def test_one_side_inserts_and_the_other_edits_further_down(
    path: str, base: bytes, inserted: bytes, before: bytes, old: bytes, new: bytes
) -> None:
    """Both changes are there: by their places every later item would look changed."""
    ours, theirs = base.replace(before, inserted + before), base.replace(old, new)

    assert _merged(path, base, ours, theirs) == ours.replace(old, new)
    assert _merged(path, base, theirs, ours) == ours.replace(old, new)


def test_both_insert_the_same_at_two_places_and_a_person_is_asked() -> None:
    """The line merge would have it twice, which neither side wanted."""
    item = b"- run: new\n  timeout: 1\n"
    ours = YAML.replace(b"- run: step 2\n", item + b"- run: step 2\n")
    theirs = YAML.replace(b"- run: step 9\n", item + b"- run: step 9\n")

    assert _merged("a.yaml", YAML, ours, theirs) is None


def test_one_side_removes_an_item_that_the_other_edits() -> None:
    """Delete against modify is a conflict, also where lines do not touch."""
    ours = YAML.replace(b"- run: step 5\n  timeout: 5\n", b"")
    theirs = YAML.replace(b"step 5\n  timeout: 5", b"step 5\n  timeout: 6")

    assert _merged("a.yaml", YAML, ours, theirs) is None


def test_one_side_replaces_an_item_that_the_other_changes() -> None:
    """However little is left of it: what one side made of the item is not lost beside the change of the other."""
    base = b"l:\n- z: 1\n- v: 1\n  y: 2\n  w: 3\n"
    ours = base.replace(b"  w: 3\n", b"")
    grown = base + b"  t: {a: 1, b: 2, c: 3, d: 4}\n"
    other = base.replace(b"v: 1\n  y: 2\n  w: 3", b"run: x")

    assert _merged("a.yaml", base, ours, grown) == grown.replace(b"  w: 3\n", b"")
    assert _merged("a.yaml", base, ours, other) is None
    assert _merged("a.yaml", base, other, ours) is None


def test_one_side_takes_an_item_away_that_the_other_changed_beyond_recognition() -> None:
    """The new item stands in the place of the old one: a person must say whether it is still wanted."""
    base = b"l:\n- z: 1\n- x: 1\n  y: 2\n"
    ours = base.replace(b"y: 2", b"q: {a: 1, b: 2}\n  r: {c: 3, d: 4}").replace(b"x: 1", b"x: 9")
    theirs = b"l:\n- z: 1\n"

    assert _merged("a.yaml", base, ours, theirs) is None
    assert _merged("a.yaml", base, theirs, ours) is None


@pytest.mark.parametrize("named", [b"name", b"x"])
def test_one_side_takes_away_a_part_of_what_the_other_takes_away_whole(named: bytes) -> None:
    """Both want that part gone, and one the rest; also of items that nothing tells apart."""
    base = b"l:\n- name: a\n  x: 1\n  y: 2\n- name: b\n".replace(b"name", named, 2).replace(b"  x: 1", b"  w: 1")
    part, rest = base.replace(b"  y: 2\n", b""), b"l:\n- %s: b\n" % named

    assert _merged("a.yaml", base, part, rest) == _merged("a.yaml", base, rest, part) == rest


@pytest.mark.parametrize(
    ("one", "other"),
    [(b"<p>1</p><q>2</q>", b"<q>2</q><p>1</p>"), (b'<p n="1"/><p n="2"/>', b'<p n="2"/><p n="1"/>')],
)
def test_both_sides_add_the_same_in_another_order(one: bytes, other: bytes) -> None:
    """It is there once, as one of them wrote it; with another value in it, it is a conflict."""
    base = b'<m>\n<a name="x"/>\n<z/>\n</m>\n'
    ours, theirs, different = (
        base.replace(b"<z/>", b'<a name="b">%s</a>\n<z/>' % inner) for inner in (one, other, other.replace(b"2", b"3"))
    )

    assert _merged("v.xml", base, ours, theirs) == ours
    assert _merged("v.xml", base, ours, different) is None


@pytest.mark.parametrize(("base", "ours", "theirs"), [("acbb", "cbbb", "acb"), ("aa", "abaa", "baa")])
def test_repeats_that_both_sides_changed_in_number(base: str, ours: str, theirs: str) -> None:
    """One has a `b` more and the other one less: which is meant cannot be told, whatever stands before them."""
    found = ManifestFormats().merge("v.yaml", *(_listed(each) for each in (base, ours, theirs)))

    assert [conflict.kind for conflict in found.conflicts] == ["ambiguous"]


def _listed(letters: str) -> bytes:
    return f"l:\n{''.join(f'- {letter}' + chr(10) for letter in letters)}".encode()


@pytest.mark.parametrize(
    ("path", "base", "comment", "gone"),
    [
        (
            "v.xml",
            "<m>\n  <!-- old -->\n  <a name='x'>\n    <p>1</p>\n  </a>\n  <b/>\n</m>\n",
            "old",
            "<m>\n  <b/>\n</m>\n",
        ),
        (
            "v.xml",
            "<m>\n  <a name='x'>\n    <!-- old -->\n    <p>1</p>\n  </a>\n  <b/>\n</m>\n",
            "old",
            "<m>\n  <b/>\n</m>\n",
        ),
        ("v.yaml", "a:\n  x: 1  # old\n  y: 2\nb: 3\n", "old", "b: 3\n"),
    ],
)
def test_what_somebody_wrote_into_comments_of_what_the_other_takes_away_is_not_lost(
    path: str, base: str, comment: str, gone: str
) -> None:
    """Before it, in it or behind it on its line: a conflict, with the new text in the partial result, both ways."""
    noted = base.replace(comment, "read this first").encode()
    for ours, theirs in ((noted, gone.encode()), (gone.encode(), noted)):
        result = ManifestFormats().merge(path, base.encode(), ours, theirs)
        assert result.content is None
        assert [conflict.kind for conflict in result.conflicts] == ["comment"]
        assert b"read this first" in result.partial


@pytest.mark.parametrize("theirs", [b"x: 1 # new\n", b"x: 2\n"])
def test_the_line_behind_a_conflict_at_the_start_stays_a_line(theirs: bytes) -> None:
    """What was taken away was the first: the next is not glued to what is kept of it."""
    result = ManifestFormats().merge("v.yaml", b"x: 1 # old\nb: 3\n", b"b: 3\n", theirs + b"b: 3\n")

    assert result.partial == b"<<<<<<< ours\n=======\n" + theirs + b">>>>>>> theirs\nb: 3\n"
