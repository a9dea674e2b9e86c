"""Lists of plain texts, as the arguments of a command: a flag stays with its value, though nothing says so."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deployer.manifests import ManifestFormats
from deployer.manifests.merging.check import objections
from deployer.model.merge import MergeResult
from tests.budget.marks import deeper, depth

EXAMPLES = depth(200, 5000)
Units = list[tuple[str, ...]]
"""Arguments that belong together: a flag with its value, or one alone."""
NEW = {"ours": ("-e", "X=7"), "theirs": ("-e", "Y=8")}


def written(form: str, arguments: list[str]) -> bytes:
    """A manifest with these arguments."""
    if form == "json":
        return json.dumps({"args": arguments}, indent=1).encode()
    if form == "xml":
        return f"<m><args>\n{''.join(f'  <arg>{each}</arg>' + chr(10) for each in arguments)}</args></m>".encode()
    return ("args:\n" + "".join(f"- {each}\n" for each in arguments)).encode()


def merge(form: str, *sides: list[str]) -> MergeResult:
    """What base, ours and theirs merge to."""
    base, ours, theirs = (written(form, side) for side in sides)
    return ManifestFormats().merge(f"v.{form}", base, ours, theirs)


@pytest.mark.parametrize("form", ["yaml", "json", "xml"])
@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("-v -w", "-v -w --set cpu=2", "-v -w --set memory=4G"),
        ("-v", "-v -e A=1", "-v -e B=2"),
        ("-e B=2 -e F=6 -e A=1", "-e F=6 -e B=2 -e A=1", "-e B=2 -e A=1"),
        ("-e F=6 -e A=1 -w", "-e F=6 -e X=7 -e A=1 -w", "-e A=1 -e F=6 -w"),
        ("d a a c b d", "d a X a c b d", "c d a a b d"),
    ],
)
def test_changes_at_one_place_are_not_mixed(form: str, base: str, ours: str, theirs: str) -> None:
    """Both put something there, or one moves what the other works on: a person is asked."""
    sides = [each.split() for each in (base, ours, theirs)]

    for result in (merge(form, *sides), merge(form, sides[0], sides[2], sides[1])):
        assert result.content is None
        assert {conflict.kind for conflict in result.conflicts} <= {"ambiguous", "inserted"}


@pytest.mark.parametrize("form", ["yaml", "json", "xml"])
@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("-e A=1 -w -e B=2", "-e X=7 -e A=1 -w -e B=2", "-e A=1 -w -e B=2 -q", "-e X=7 -e A=1 -w -e B=2 -q"),
        ("-v -w", "-v -w --set cpu=2", "-q -v -w", "-q -v -w --set cpu=2"),
        ("-v -w", "-v -w -e A=1", "-v -w -e A=1", "-v -w -e A=1"),
        ("a b", "a b c", "a b d", "a b c d"),
    ],
)
def test_changes_at_different_places_merge(form: str, base: str, ours: str, theirs: str, result: str) -> None:
    """And so does what both put there alike, or, where no text is repeated, one thing each."""
    sides = [each.split() for each in (base, ours, theirs)]

    assert merge(form, *sides).content == written(form, result.split())


@st.composite
def changed(draw: st.DrawFn, base: Units, new: tuple[str, ...]) -> list[str]:
    """The arguments after somebody put something in, took something away or moved something."""
    units = [*base]
    what = draw(st.sampled_from(["insert", "remove", "move"]))
    unit = new if what == "insert" else units.pop(draw(st.integers(0, len(units) - 1)))
    if what != "remove":
        units.insert(draw(st.integers(0, len(units))), unit)
    return flat(units)


def flat(units: Units) -> list[str]:
    """One argument after the other."""
    return [argument for unit in units for argument in unit]


def is_whole(arguments: list[str]) -> bool:
    """Whether each value stands behind a flag that takes one, and no such flag is without."""
    beside = zip(["", *arguments], [*arguments, ""], strict=True)
    return all((one == "-e") == ("=" in other) for one, other in beside)


@deeper(20)
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.permutations(["A=1", "B=2", "C=3", "D=4", "E=5"]), st.integers(2, 5), st.data())
def test_a_flag_keeps_its_value(values: list[str], count: int, data: st.DataObject) -> None:
    """Whatever two people do to the arguments, and whether it merges or not."""
    base: Units = [("-e", value) if data.draw(st.booleans()) else (f"--{value[0]}",) for value in values[:count]]
    ours, theirs = (data.draw(changed(base, NEW[side])) for side in ("ours", "theirs"))
    assume(flat(base) not in (ours, theirs) and ours != theirs)

    content = merge("json", flat(base), ours, theirs).content

    assert content is None or is_whole(json.loads(content)["args"])


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("[-v]", "[-v, -e, A]", "[-v, -e, B]", "[-v, -e, A, B]"),
        ("[-e, A, -w, -e, B]", "[-e, X, -e, A, -w, -e, B]", "[-e, A, -w, -e, B, -q]", "[-e, -e, X, A, -w, -e, B, -q]"),
    ],
)
def test_the_check_objects_to_what_nobody_put_side_by_side(base: str, ours: str, theirs: str, result: str) -> None:
    """Whoever made the result."""
    assert objections("yaml", (base, ours, theirs), result)


def test_the_check_tells_a_number_from_its_text_as_a_key() -> None:
    """`1` and `"1"` are two keys: one that each side added is not one that both did."""
    assert objections("yaml", ("a: 1\n", "a: 1\n1: x\n", "a: 1\n'1': x\n"), "a: 1\n1: x\n")
