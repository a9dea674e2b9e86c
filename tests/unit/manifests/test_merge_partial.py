"""What stands behind a conflict in a partial result: the next item is whole, on a line of its own, with its comment."""

from __future__ import annotations

import json
import re

import pytest
import yaml

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


def chosen(result: MergeResult, side: int) -> str:
    """A partial result in which a person took one side of each conflict."""
    conflict = re.compile(r"<{7} ours\n(.*?)={7}\n(.*?)>{7} theirs\n", re.DOTALL)
    return conflict.sub(lambda found: found.group(side), result.partial.decode())


ITEMS = ['"a": 1', '"x": {"v": 1}', '"b": 3', '"y": {"v": 1}']


def written(items: list[str]) -> str:
    """A mapping of JSON, an item a line."""
    return "{\n" + ",\n".join(f"  {item}" for item in items) + "\n}\n"


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (1, 0, 3), (0, 1, 3), (1, 3, 0), (0, 1)])
def test_whichever_side_of_a_conflict_is_taken_the_commas_fit(order: tuple[int, ...]) -> None:
    """Items that one side took away and the other changed, at the start, in the middle and at the end of a list."""
    items = [ITEMS[at] for at in order]
    base = written(items)
    without, other = written([item for item in items if "v" not in item]), base.replace('"v": 1', '"v": 2')
    result = merged("v.json", base, without, other)

    assert result.content is None
    assert (json.loads(chosen(result, 1)), json.loads(chosen(result, 2))) == (json.loads(without), json.loads(other))
    assert chosen(result, 2) == other


def test_an_empty_value_in_braces_is_an_item() -> None:
    """It is there, with its comma: one side took the value of its key away, the other changed it."""
    result = merged("v.yaml", "m: {a: 1, b: 3}\n", "m: {a: , b: 3}\n", "m: {a: 2, b: 3}\n")

    assert (chosen(result, 1), chosen(result, 2)) == ("m: {a: , b: 3}\n", "m: {a: 2, b: 3}\n")


def test_a_comment_in_conflict_behind_an_item_is_no_item() -> None:
    """Whichever is taken, of the comment that one side wrote anew and the other took away, the comma stays."""
    base, ours, theirs = "[{a: 1} # one\n , {b: 1}]\n", "[{a: 1, c: 2}, {b: 1}]\n", "[{a: 3} # two\n , {b: 1}]\n"
    result = merged("v.yaml", base, ours, theirs)

    assert result.content is None
    assert [yaml.safe_load(chosen(result, side)) for side in (1, 2)] == [[{"a": 3, "c": 2}, {"b": 1}]] * 2
