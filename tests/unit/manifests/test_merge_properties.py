"""What must hold for every merge, on manifests that hypothesis makes up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.manifests import ManifestFormats
from deployer.manifests.formats import format_of
from deployer.manifests.merging.identity import Identities
from deployer.manifests.merging.structural import merge_structures
from tests.budget.marks import deeper, depth
from tests.unit.manifests.merging import FORMATS, Edit, Model, apply, models, read, sides, written

pytestmark = deeper(20)
FORM = st.sampled_from(FORMATS)
EXAMPLES = depth(60, 3000)


def _space(line: bytes) -> int:
    return len(line) - len(line.lstrip())


Sides = tuple[Model, list[Edit], list[Edit]]


def merged(form: str, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """What they merge to."""
    return ManifestFormats().merge(f"v.{form}", base, ours, theirs).content


def said(form: str, content: bytes) -> dict[str, object]:
    """What a file says."""
    return dict(read(form, format_of(f"v.{form}").read("v", content).value))


def wanted(form: str, model: Model) -> dict[str, object]:
    """What a model says in a format."""
    return said(form, written(model, form))


@settings(max_examples=EXAMPLES, deadline=None)
@given(FORM, sides())
def test_an_unchanged_side_gives_the_other_byte_for_byte(form: str, edits: Sides) -> None:
    """Also on the long way, where the trees are merged."""
    base, ours, _ = edits
    before, after = written(base, form), written(apply(base, ours), form)

    assert merged(form, before, after, before) == merged(form, before, before, after) == after
    for pair in ((after, before), (before, after)):
        assert merge_structures(form, "v", (before, *pair), Identities(), 7).content == after


@settings(max_examples=EXAMPLES, deadline=None)
@given(FORM, sides())
def test_edits_of_different_places_always_merge(form: str, edits: Sides) -> None:
    """The result says what both say, whichever side is ours."""
    base, ours, theirs = edits
    files = [written(apply(base, each), form) for each in ([], ours, theirs)]
    both = wanted(form, apply(base, [*ours, *theirs]))

    result = merged(form, *files)
    assert result is not None
    assert said(form, result) == both
    other = merged(form, files[0], files[2], files[1])
    assert other is not None
    assert said(form, other) == both


@settings(max_examples=EXAMPLES, deadline=None)
@given(FORM, sides())
def test_merging_again_changes_nothing(form: str, edits: Sides) -> None:
    """What is merged already holds what either side wanted."""
    base, ours, theirs = edits
    files = [written(apply(base, each), form) for each in ([], ours, theirs)]
    result = merged(form, *files)
    assert result is not None

    assert merged(form, files[0], result, files[1]) == result
    assert merged(form, files[0], files[2], result) == result


@settings(max_examples=EXAMPLES, deadline=None)
@given(FORM, sides(), st.sampled_from([1, 4, 8]))
def test_one_side_may_indent_the_file_anew(form: str, edits: Sides, indent: int) -> None:
    """A formatter's run merges with edits, and the result is indented as it made it."""
    base, _, theirs = edits
    ours = written(base, form, indent)
    result = merged(form, written(base, form), ours, written(apply(base, theirs), form))

    assert result is not None
    assert said(form, result) == wanted(form, apply(base, theirs))
    kept = set(base) - {edit.component for edit in theirs if edit.kind == "remove"}
    if form != "json" and kept:  # by its neighbours; an object that one side adds keeps the indentation within
        assert {_space(line) for line in result.splitlines() if b"name" in line} <= _SPACES[form, indent]


_FULL: Model = {"web": {"image": "a"}, "db": {"image": "b"}}
_SPACES = {
    (form, indent): {_space(line) for line in written(_FULL, form, indent).splitlines() if b"name" in line}
    for form in FORMATS
    for indent in (1, 4, 8)
}


@settings(max_examples=EXAMPLES, deadline=None)
@given(FORM, models().filter(len), st.data())
def test_edits_of_one_place_never_merge_in_silence(form: str, base: Model, data: st.DataObject) -> None:
    """Two values, a removal against a change, two new ones of the same name: a person is asked, and told where."""
    name = data.draw(st.sampled_from(sorted(base)))
    values = st.sampled_from(["one", "two", "three four"])
    first, second = data.draw(st.lists(values, min_size=2, max_size=2, unique=True))
    one = Edit("set", name, "port", first)
    other = data.draw(st.sampled_from([Edit("set", name, "port", second), Edit("remove", name)]))
    if data.draw(st.booleans()):
        one, other = Edit("add", "new", value=first), Edit("add", "new", value=second)
    files = [written(apply(base, each), form) for each in ([], [one], [other])]

    result = ManifestFormats().merge(f"v.{form}", *files)
    assert result.content is None
    # Where a side left the list empty the list itself is named.
    assert all(one.component in each.path or each.path.endswith("components") for each in result.conflicts)
    assert b"<<<<<<<" in result.partial
