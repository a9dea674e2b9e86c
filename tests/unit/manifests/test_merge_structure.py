"""What a structural merge does that no line merge can, format by format; and what stays a conflict."""

from __future__ import annotations

import pytest

from deployer.manifests import ManifestFormats

XML = b"""<?xml version="1.0"?>
<!-- the store -->
<m>
  <!-- what runs -->
  <release version="1" channel='stable'/>  <!-- by automation -->
  <env name="A" value="1"/>
  <env name="B" value="2"/>
  <env name="C" value="3"/>
  <step><run>x</run></step>
  <step><run>y</run></step>
</m>
"""
YAML = b"""# the store
release:
  version: 1  # by automation
  channel: stable
env:
  # first
  - name: A
    value: 1
  - name: B
    value: 2
  - {name: C, value: 3}
tags: [a, b, c]
steps:
  - run: x
  - run: y
text: |
  one
  two
  three
  four
"""
JSON = b"""{
  "release": {"version": 1, "channel": "stable"},
  "env": [
    {"name": "A", "value": 1},
    {"name": "B", "value": 2},
    {"name": "C", "value": 3}
  ],
  "tags": ["a", "b"]
}
"""
FILES = {"xml": XML, "yaml": YAML, "json": JSON}


def merge(form: str, ours: bytes, theirs: bytes, base: bytes = b"") -> bytes | None:
    """The merged file; None for a conflict."""
    return ManifestFormats().merge(f"v.{form}", base or FILES[form], ours, theirs).content


def changed(form: str, *pairs: tuple[bytes, bytes]) -> bytes:
    """The file of a format with some pieces replaced."""
    data = FILES[form]
    for old, new in pairs:
        assert data.count(old) == 1, old
        data = data.replace(old, new)
    return data


Pair = tuple[bytes, bytes]


@pytest.mark.parametrize(
    ("form", "ours", "theirs"),
    [
        ("xml", (b'version="1"', b'version="2"'), (b"'stable'", b"'beta'")),
        ("xml", (b'version="1" ', b'version="1" by="x" '), (b"'stable'/", b"'stable' on='1'/")),
        ("xml", (b"by automation", b"by Erin"), (b'version="1"', b'version="2"')),
        ("xml", (b"what runs", b"what runs now"), (b'version="1"', b'version="2"')),
        ("xml", (b'  <env name="B" value="2"/>\n', b""), (b'value="3"', b'value="4"')),
        ("xml", (b"<run>x</run>", b"<run>x</run><t>1</t>"), (b"<run>y</run>", b"<run>z</run>")),
        ("yaml", (b"version: 1", b"version: 2"), (b"stable", b"beta")),
        ("yaml", (b"by automation", b"by Erin"), (b"version: 1", b"version: 2")),
        ("yaml", (b"value: 2\n", b"value: 5\n    more: [1]\n"), (b"value: 3", b"value: 4")),
        ("yaml", (b"[a, b", b"[a, d, b"), (b"c]", b"c, e]")),
        ("yaml", (b"  two", b"  2"), (b"  four", b"  4")),
        ("yaml", (b"run: x", b"run: x\n    if: a"), (b"run: y", b"run: z")),
        ("json", (b'"version": 1', b'"version": 2'), (b'"stable"', b'"beta", "by": "x"')),
        ("json", (b'{"name": "A", "value": 1},\n    ', b""), (b'"value": 2', b'"value": 5')),
        ("json", (b'["a"', b'["0", "a"'), (b'"b"]', b'"b", "c"]')),
    ],
)
def test_both_edits_land_and_nothing_else_changes(form: str, ours: Pair, theirs: Pair) -> None:
    """Also on one line; whichever side is ours."""
    one, other, both = changed(form, ours), changed(form, theirs), changed(form, ours, theirs)

    assert merge(form, one, other) == both
    assert merge(form, other, one) == both


@pytest.mark.parametrize(
    ("form", "place", "one", "other"),
    [
        ("xml", b"  <step><run>x", b'  <env name="D" value="4"/>\n', b'  <env name="E" value="5"/>\n'),
        ("yaml", b"tags:", b"  - name: D\n", b"  - {name: E}\n"),
        ("json", b'    {"name": "B"', b'    {"name": "D"},\n', b'    {"name": "E"},\n'),
        ("yaml", b"env:", b"  by: x\n", b"  to: y\n"),
    ],
)
def test_both_insert_at_one_place_and_ours_comes_first(form: str, place: bytes, one: bytes, other: bytes) -> None:
    """What has a name is told apart: both are kept."""
    assert merge(form, changed(form, (place, one + place)), changed(form, (place, other + place))) == changed(
        form, (place, one + other + place)
    )


def test_what_both_append_behind_a_comment_leaves_one_comment() -> None:
    """The comment at the end of a list belongs to neither."""
    base = b"<m>\n  <e name='a'/>\n  <!-- end -->\n</m>"
    ours, theirs = (base.replace(b"</m>", b"  <e name='%s'/>\n</m>" % name) for name in (b"b", b"c"))

    merged = merge("xml", ours, theirs, base)
    assert merged is not None
    assert merged.count(b"<!-- end -->") == 1
    assert merged.index(b"'b'") < merged.index(b"'c'")


@pytest.mark.parametrize("form", FILES)
def test_an_element_is_moved_by_one_side_and_edited_by_the_other(form: str) -> None:
    """The edit is where the element is now."""
    lines = FILES[form].splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if b"B" in line)
    height = 2 if form == "yaml" else 1
    item, lines[at : at + height] = lines[at : at + height], []
    first = next(index for index, line in enumerate(lines) if b'"A"' in line or b"name: A" in line)
    moved = b"".join([*lines[:first], *item, *lines[first:]]).replace(b"  # first\n", b"")
    base = FILES[form].replace(b"  # first\n", b"")
    two = {
        "xml": (b'value="2"', b'value="9"'),
        "yaml": (b"value: 2", b"value: 9"),
        "json": (b'"value": 2', b'"value": 9'),
    }

    assert merge(form, moved.replace(b"  # first\n", b""), base.replace(*two[form]), base) == moved.replace(*two[form])


def test_a_formatter_runs_on_one_side() -> None:
    """New lines of the other come out in the new layout."""
    ours = XML.replace(b"\n  ", b"\n\t\t")
    theirs = changed(
        "xml", (b'value="2"', b'value="9"'), (b"  <step><run>x", b'  <env name="D" value="4"/>\n  <step><run>x')
    )

    assert merge("xml", ours, theirs) == theirs.replace(b"\n  ", b"\n\t\t")
    base = b'{"a": 1, "b": {"c": [1, 2]}}'
    pretty = b'{\n  "a": 1,\n  "b": {\n    "c": [\n      1,\n      2\n    ]\n  }\n}\n'
    assert merge("json", pretty, base.replace(b"2]", b"3]"), base) == pretty.replace(b"2", b"3")


def test_the_parents_of_both_ends_change_together() -> None:
    """One tag that gets children from one side and an attribute from the other."""
    base = b"<m><a/></m>"

    assert merge("xml", b"<m><a><b/></a></m>", b"<m><a x='1'/></m>", base) == b"<m><a x='1'><b/></a></m>"


@pytest.mark.parametrize(
    ("form", "ours", "theirs", "kind", "said"),
    [
        (
            "xml",
            (b'value="2"', b'value="8"'),
            (b'value="2"', b'value="9"'),
            "changed",
            "env[@name='B']/@value: was '2'",
        ),
        ("yaml", (b"value: 2", b"value: 8"), (b"value: 2", b"value: 9"), "changed", "env[name=\"B\"].value: was '2'"),
        ("json", (b'"value": 2', b'"value": 8'), (b'"value": 2', b'"value": 9'), "changed", 'env[name="B"].value: was'),
        ("xml", (b'  <env name="B" value="2"/>\n', b""), (b'value="2"', b'value="9"'), "deleted", "ours not there"),
        ("yaml", (b"  - name: B\n    value: 2\n", b""), (b"value: 2", b"value: 9"), "deleted", "ours not there"),
        (
            "yaml",
            (b"[a, b, c]", b"[b, a, c]"),
            (b"[a, b, c]", b"[a, c, b]"),
            "order",
            "tags: both sides changed the order",
        ),
        (
            "yaml",
            (b"  - run: x", b"  - run: a\n  - run: x"),
            (b"  - run: x", b"  - run: b\n  - run: x"),
            "inserted",
            "steps",
        ),
        (
            "yaml",
            (b"  - run: x", b"  - run: a\n  - run: x"),
            (b"  - run: y", b"  - run: y\n  - run: a"),
            "ambiguous",
            "steps",
        ),
        ("yaml", (b"  two", b"  2"), (b"  two", b"  zwei"), "changed", "text: was"),
        ("xml", (b"what runs", b"what ran"), (b"what runs", b"what will run"), "comment", "release: was"),
        ("xml", (b"<m>", b"<n>"), (b'value="2"', b'value="9"'), "", ""),
    ],
)
def test_a_conflict_is_a_conflict(form: str, ours: Pair, theirs: Pair, kind: str, said: str) -> None:
    """With its kind and its place; nothing is chosen for the person."""
    one, other = changed(form, ours), changed(form, theirs)
    if not kind:  # the root element is another one
        one = one.replace(b"</m>", b"</n>")
    result = ManifestFormats().merge(f"v.{form}", FILES[form], one, other)

    assert result.content is None
    if kind:
        assert [conflict.kind for conflict in result.conflicts] == [kind]
        assert said in str(result.conflicts[0])


def test_the_same_new_name_with_other_content() -> None:
    """Each thing that differs is named."""
    new = b'  <env name="D" value="%d"/>\n  <step><run>x'
    ours, theirs = (changed("xml", (b"  <step><run>x", new % value)) for value in (4, 5))
    result = ManifestFormats().merge("v.xml", XML, ours, theirs)

    assert [str(each) for each in result.conflicts] == ["env[@name='D']/@value: was not there, ours '4', theirs '5'"]


@pytest.mark.parametrize("size", [7, 12])
def test_a_partial_result_keeps_what_merged(size: int) -> None:
    """Only the lines of the conflict stand between markers, of the size that was asked for."""
    ours = changed("xml", (b'version="1"', b'version="2"'), (b'value="1"', b'value="7"'))
    theirs = changed("xml", (b'version="1"', b'version="3"'), (b'value="3"', b'value="9"'))
    result = ManifestFormats().merge("v.xml", XML, ours, theirs, marker_size=size)
    line = b"  <release version=\"%d\" channel='stable'/>  <!-- by automation -->\n"
    block = b"".join([b"<" * size, b" ours\n", line % 2, b"=" * size, b"\n", line % 3, b">" * size, b" theirs\n"])

    assert result.partial == changed(
        "xml", (line % 1, block), (b'value="1"', b'value="7"'), (b'value="3"', b'value="9"')
    )


def test_what_the_check_objects_to_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the merge itself ends as a conflict: both would have to be wrong at once."""
    monkeypatch.setattr(
        "deployer.manifests.merging.structural.whole", lambda _segments: XML.decode().replace('value="2"', 'value="0"')
    )
    ours, theirs = changed("xml", (b'value="1"', b'value="7"')), changed("xml", (b'value="3"', b'value="9"'))
    result = ManifestFormats().merge("v.xml", XML, ours, theirs)

    assert result.content is None
    assert {conflict.kind for conflict in result.conflicts} == {"unsound"}
    assert b"<<<<<<< ours\n" in result.partial


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "both"),
    [
        (b"a:\n- name: x\n- name: y\nb: 1\n", b"a:\n- name: x\nb: 1\n", b"a:\n- name: y\nb: 1\n", b"a: []\nb: 1\n"),
        (b"a:\n  x: 1\n  y: 1\n", b"a:\n  x: 1\n", b"a:\n  y: 1\n", b"a: {}\n"),
        (b"- x: 1\n  y: 1\n", b"- x: 1\n", b"- y: 1\n", b"- {}\n"),
        (b"a:\n- x\n", b"a: []\n", b"a:\n- x\n- y\n", b"a:\n- y\n"),
    ],
)
def test_a_block_of_yaml_that_both_empty_stays_a_list(base: bytes, ours: bytes, theirs: bytes, both: bytes) -> None:
    """Each takes away what the other leaves: nothing there would be another value than an empty list."""
    assert merge("yaml", ours, theirs, base) == both
    assert merge("yaml", theirs, ours, base) == both


def listed(*names: str) -> bytes:
    """A list of YAML."""
    return b"l:\n" + b"".join(b"- %s\n" % name.encode() for name in names)


@pytest.mark.parametrize(
    ("form", "base", "ours", "theirs", "both"),
    [
        # The order of ours has all that theirs changed in it.
        ("yaml", listed(*"abcd"), listed(*"badc"), listed(*"bacd"), listed(*"badc")),
        ("xml", b"<m><a><b/></a></m>", b"<m><a/></m>", b"<m><a><b/><c/></a></m>", b"<m><a><c/></a></m>"),
        ("yaml", b"- a: 1\n  b: 1\n  c: 1\n", b"- b: 1\n  c: 1\n", b"- a: 1\n  b: 1\n  c: 2\n", b"- b: 1\n  c: 2\n"),
        ("json", b'{"a": 1, "b": 1, "c": 1}', b'{"b": 1, "c": 1}', b'{"a": 1, "b": 1, "c": 2}', b'{"b": 1, "c": 2}'),
        (
            "yaml",
            b"a:\n  b: 1\n  t: |\n    x\n    y\n",
            b"a:\n    b: 1\n    t: |\n        x\n        y\n",
            b"a:\n  b: 1\n  t: |\n    x\n    z\n",
            b"a:\n    b: 1\n    t: |\n      x\n      z\n",
        ),
        ("yaml", b"- a: 1\n  b: 1\n  c: 1\n", b"- b: 1\n  c: 1\n", b"- a: 1\n  c: 1\n", b"- c: 1\n"),
        # Theirs gives names to what had none.
        (
            "yaml",
            b"- on: a\n  do: x\n- on: b\n  do: y\n",
            b"- on: a\n  do: x\n- on: b\n  do: y\n  if: d\n- on: c\n  do: z\n",
            b"- name: A\n  on: a\n  do: x\n- name: B\n  on: b\n  do: y\n",
            b"- name: A\n  on: a\n  do: x\n- name: B\n  on: b\n  do: y\n  if: d\n- on: c\n  do: z\n",
        ),
        # Two of one name are told apart by what they say.
        (
            "yaml",
            b"- name: A\n  v: 1\n  w: 1\n- name: A\n  v: 2\n  w: 2\n",
            b"- name: A\n  v: 1\n  w: 9\n- name: A\n  v: 2\n  w: 2\n",
            b"- name: A\n  v: 1\n  w: 1\n- name: A\n  v: 2\n  w: 8\n",
            b"- name: A\n  v: 1\n  w: 9\n- name: A\n  v: 2\n  w: 8\n",
        ),
        # A comment becomes a key on one side, another line of it is edited on the other: the lines say it.
        (
            "yaml",
            b"x: 1\n# one\n#\n#\n#\n# y: 2\nz: 3\n",
            b"x: 1\n# one\n#\n#\n#\ny: 2\nz: 3\n",
            b"x: 1\n# ONE\n#\n#\n#\n# y: 2\nz: 3\n",
            b"x: 1\n# ONE\n#\n#\n#\ny: 2\nz: 3\n",
        ),
        ("yaml", b"t: |+\n  x\n\nb: 1\nc: 1\n", b"b: 1\nc: 1\n", b"t: |+\n  x\n\nb: 1\nc: 2\n", b"b: 1\nc: 2\n"),
        ("yaml", b"b: 1\nt: |+\n  x\n\n", b"b: 2\nt: |+\n  x\n\n", b"b: 1\nt: |+\n  y\n\n", b"b: 2\nt: |+\n  y\n\n"),
    ],
)  # fmt: skip
def test_what_needs_a_second_look(form: str, base: bytes, ours: bytes, theirs: bytes, both: bytes) -> None:
    """Cases where the easy way would be wrong, lose something, or leave it ugly."""
    assert merge(form, ours, theirs, base) == both
    assert merge(form, theirs, ours, base) == both


def test_both_sides_rename_one_item() -> None:
    """Two new names for what was one would be two items that nobody wanted."""
    base = b"l:\n- name: a\n- name: b\n  v: 1\n  w: 2\n"

    assert merge("yaml", base.replace(b"b", b"x"), base.replace(b"b", b"y"), base) is None


def test_elements_that_only_moved() -> None:
    """A comparison names them where nothing else is to be said, and says nothing of keys of a mapping."""
    compare = ManifestFormats().compare

    assert [str(each) for each in compare("v.yaml", listed(*"abc"), listed(*"bca"))] == ['> l["a"]']
    assert compare("v.yaml", b"a: 1\nb: 2\n", b"b: 2\n# x\na: 1\n") == ()
    assert [str(each) for each in compare("v.yaml", b"a: 1\n", b"a:\n  b: 1\n")] == ["~ a: 1 -> b: 1"]
    said = [
        str(each)
        for each in compare(
            "v.xml", XML, changed("xml", (b'value="2"', b'value="3"'), (b"<step><run>x</run></step>", b""))
        )
    ]
    assert said == ["~ env[@name='B']/@value: 2 -> 3", "- step[1]: <step><run>x</run></step>"]


@pytest.mark.parametrize("text", [b"a: {x: 1, ? y : 2}\nb: 2\n", b"--- !!map\na: 1\nb: 2\n", b"a: !x\n  c: 1\nb: 2\n"])
def test_what_is_no_comment_between_values_goes_by_lines(text: bytes) -> None:
    """A tag or a mark of a key belongs to a value in ways that are not read here: nothing moves it."""
    result = ManifestFormats().merge("v.yaml", text, text.replace(b"b: 2", b"b: 3"), text.replace(b"1", b"5"))

    assert [conflict.kind for conflict in result.conflicts] == ["lines"]


def test_white_space_that_counts_is_no_layout() -> None:
    """What two people did to it is a conflict, as of any text."""
    base = b'<m>\n<a xml:space="preserve"> </a>\n<b/>\n</m>\n'
    ours, theirs = base.replace(b"> <", b">  <"), base.replace(b"> <", b">\t<")

    assert ManifestFormats().merge("v.xml", base, ours, theirs).content is None
    assert ManifestFormats().merge("v.xml", base, ours, base.replace(b"</m>", b"<c/></m>")).content is not None
