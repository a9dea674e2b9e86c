"""What a version has as the first one does is not read again; it is as if it had been."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import ManifestError
from deployer.manifests.merging.nodes import Item, Node, UnfitError
from deployer.manifests.merging.structural import FORMS
from deployer.manifests.merging.table import MovedNode, Table
from deployer.manifests.source import decode
from tests.budget.marks import deeper, depth
from tests.unit.manifests.merging import FORMATS, Edit, Model, apply, sides, written

EXAMPLES = depth(60, 3000)


def _below(sign: str, block: str) -> str:
    """A block of YAML behind a dash or a colon: on its line where it can be, else indented."""
    first, *rest = block.splitlines(keepends=True)
    if sign == "-" or not rest or first == "|\n":
        return f"{sign} {first}{''.join('  ' + line for line in rest)}"
    return f"{sign}\n{''.join('  ' + line for line in (first, *rest))}"


PIECES = {
    "xml": st.recursive(
        st.sampled_from(["<b/>", "<b>x</b>", "<!-- <a> -->", "\n  ", "text", "<![CDATA[<a>]]>"]),
        lambda inner: st.lists(inner).map(lambda each: f"<a n='1'>{''.join(each)}</a>"),
        max_leaves=6,
    ),
    "yaml": st.recursive(
        st.sampled_from(["1\n", "[1, {g: 2}]\n", "|\n  x\n", "# f\nx\n", "x # f\n", "x\n  y\n"]),
        lambda inner: (
            st.lists(inner, min_size=1).map(lambda each: "".join(_below("-", one) for one in each))
            | inner.map(lambda each: f"{_below('a:', each)}b: 1\n")
        ),
        max_leaves=6,
    ).map(lambda each: _below("-", each)),
    "json": st.recursive(
        st.sampled_from(["1", '"[{"', " null\n"]),
        lambda inner: (
            st.lists(inner).map(lambda each: f"[{','.join(each)}]") | inner.map(lambda each: f'{{"a": {each}, "b": 1}}')
        ),
        max_leaves=6,
    ),
}
"""Of which documents are put together that no one would write."""
FRAMES = {"xml": ("<r>", "", "</r>"), "yaml": ("", "", ""), "json": ("[", ",", "]")}
"""What stands around the pieces, and between them."""


def tree(form: str, text: bytes, table: Table) -> Node:
    """The tree of a text, read with what the table knows."""
    return FORMS[form].tree(decode("v", text, is_xml=form == "xml"), table)


def nodes(node: Node) -> Iterator[Node]:
    """It and all that it holds, in their order."""
    yield node
    for item in node.items:
        yield from nodes(item.node)


def spans(node: Node) -> object:
    """All that the merge may ask of a tree, but for the numbers of what it says."""
    own = (node.kind, node.start, node.end, node.value, node.is_list, node.is_ordered, node.is_separated)
    return own, node.open_end, node.close_start, [_place(item) for item in node.items]


def _place(item: Item) -> object:
    return item.lead, item.start, item.end, item.name, item.label, spans(item.node)


def numbers(*trees: Node) -> list[int]:
    """What the nodes and items of some trees say."""
    return [says for tree in trees for node in nodes(tree) for says in (node.says, *(item.says for item in node.items))]


def is_as_if_read(form: str, first: bytes, second: bytes) -> bool:
    """Whether reading a text behind another gives what reading it alone gives; False where one cannot be read."""
    try:
        table, other = Table(), Table()
        one, alone = tree(form, first, table), tree(form, second, other)
    except (UnfitError, ManifestError):
        return False
    behind = tree(form, second, table)
    before = tree(form, first, other)
    assert spans(behind) == spans(alone)
    # Each table has numbers of its own: the same things must have the same ones.
    pairs = set(zip(numbers(one, behind), numbers(before, alone), strict=True))
    assert len(pairs) == len({mine for mine, _ in pairs}) == len({yours for _, yours in pairs})
    return True


@deeper(20)
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(FORMATS), sides(), st.sampled_from([2, 2, 4]))
def test_a_changed_manifest_is_read_as_if_it_were_the_first(
    form: str, edits: tuple[Model, list[Edit], list[Edit]], indent: int
) -> None:
    """Whatever was put in, taken away and changed before, in and behind a list."""
    base, ours, _ = edits
    assert is_as_if_read(form, written(base, form), written(apply(base, ours), form, indent))


@deeper(20)
@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(st.sampled_from(FORMATS), st.data())
def test_a_text_that_nobody_would_write_is_read_as_if_it_were_the_first(form: str, data: st.DataObject) -> None:
    """Pieces in any order: the same characters at another depth, in another column, in a text or a comment."""
    pieces = st.lists(PIECES[form], max_size=6)
    shared, before, behind, other = (data.draw(pieces) for _ in range(4))
    start, between, end = FRAMES[form]
    first, second = (start + between.join(each) + end for each in ([*before, *shared], [*other, *shared, *behind]))
    is_as_if_read(form, first.encode(), second.encode())


@pytest.mark.parametrize("form", FORMATS)
def test_lists_that_stand_further_behind_are_not_read_again(form: str) -> None:
    """This is what it is for: of a manifest to which a component was added, the others are known."""
    base: Model = {name: {"image": name, "port": "1"} for name in ("web", "db", "cache")}
    table = Table()
    tree(form, written(base, form), table)
    version = tree(form, written({"new": {"image": "i"}, **base}, form), table)

    assert sum(isinstance(node, MovedNode) and node.kind != "children" for node in nodes(version)) >= len(base)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a:\n  b:\n    c: 1\n  d: 2\n", "a:\n  b:\n    c: 1\n    d: 2\n"),
        ("- a:\n    b: 1\n", "- a:\n  b: 1\n"),
        ("a:\n  - b: x\n  - c: 1\n", "a:\n  - b: x\n      y\n  - c: 1\n"),
        ("a:\n  b: 1\n# end\nc:\n  b: 1\n", "a:\n  b: 1\n  # end\nc:\n  b: 1\n"),
        ("a:\n  b: |\n    x\n  c: 1\n", "a:\n  b: |\n    x\n     c: 1\n"),
    ],
)
def test_the_column_decides_in_yaml(first: str, second: str) -> None:
    """The same characters, where what stands around them makes them something else."""
    assert is_as_if_read("yaml", first.encode(), second.encode())
