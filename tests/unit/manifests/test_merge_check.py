"""The check of a merge alone: it knows nothing of how the result was made."""

from __future__ import annotations

import pytest

from deployer.manifests.merging.align import align
from deployer.manifests.merging.check import objections

BASE = "# c\nv: 1\nl: [a, b, c]\ne:\n- {name: A, x: 1}\n- {name: B, x: 1}\ns:\n- {r: 1, t: 1}\n- {r: 2, t: 1}\n"
OURS = BASE.replace("v: 1", "v: 2").replace("[a, b, c]", "[a, n, b, c]").replace("A, x: 1", "A, x: 2")
THEIRS = BASE.replace("B, x: 1", "B, x: 2").replace("r: 2", "r: 3").replace("# c", "# d")
RIGHT = "# d\nv: 2\nl: [a, n, b, c]\ne:\n- {name: A, x: 2}\n- {name: B, x: 2}\ns:\n- {r: 1, t: 1}\n- {r: 3, t: 1}\n"


def test_a_right_result_passes() -> None:
    """Whatever its layout."""
    assert objections("yaml", (BASE, OURS, THEIRS), RIGHT) == []
    assert objections("yaml", (BASE, OURS, THEIRS), RIGHT.replace("[a, n, b, c]", "\n- a\n- n\n- b\n- c")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v: 2", "v: 1"),
        ("v: 2", "v: 3"),
        ("v: 2\n", ""),
        ("v: 2", "v: '2'"),
        ("v: 2", "v: 2\nw: 1"),
        ("v: 2", "v: 2\nv: 2"),
        ("a, n, b", "n, a, b"),
        ("a, n, b, c", "a, n, c, b"),
        ("a, n, b", "a, b"),
        ("a, n, b", "a, n, n, b"),
        ("A, x: 2", "A, x: 1"),
        ("- {name: B, x: 2}\n", ""),
        ("- {name: B, x: 2}\n", "- {name: B, x: 2}\n- {name: B, x: 2}\n"),
        ("- {name: A, x: 2}\n- {name: B, x: 2}", "- {name: B, x: 2}\n- {name: A, x: 2}"),
        ("r: 3", "r: 2"),
        ("- {r: 1, t: 1}\n", ""),
        ("- {r: 1, t: 1}\n", "- {r: 1, t: 1}\n- {r: 1, t: 1}\n"),
        ("# d", "# d\n# d"),
        ("v: 2", "v: ["),
    ],
)
def test_a_wrong_result_does_not(old: str, new: str) -> None:
    """Lost, doubled, changed, moved, or no YAML: each is seen."""
    assert RIGHT.count(old) == 1
    assert objections("yaml", (BASE, OURS, THEIRS), RIGHT.replace(old, new))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("<m><a>1</a></m>", "<m><a>2</a></m>", "<m><a>3</a></m>", "<m><a>2</a></m>"),
        ("<m><a>1</a></m>", "<m/>", "<m><a>3</a></m>", "<m/>"),
        ("<m>a<b/></m>", "<m>b<b/></m>", "<m>a<b/></m>", "<m>a<b/></m>"),
        ("<m><!-- c --></m>", "<m x='1'><!-- c --></m>", "<m y='1'><!-- c --></m>", "<m x='1' y='1'/>"),
    ],
)
def test_what_both_changed_is_never_right(base: str, ours: str, theirs: str, result: str) -> None:
    """A merge that took a side would have decided for a person."""
    assert objections("xml", (base, ours, theirs), result)


@pytest.mark.parametrize(
    "result", ["[a, b, c, t]", "[a, n, b, c]", "[a, b, c]", "[a, n, n, b, c, t]", "[a, n, b, c, t, t]"]
)
def test_what_each_side_put_into_a_list_is_there_once(result: str) -> None:
    """Both sides changed the list, so neither of them is what the result must be."""
    sides = ("l: [a, b, c]\n", "l: [a, n, b, c]\n", "l: [a, b, c, t]\n")

    assert objections("yaml", sides, "l: [a, n, b, c, t]\n") == []
    assert objections("yaml", sides, f"l: {result}\n")


def test_repeats_are_aligned_by_the_longest_common_series() -> None:
    """Where nothing stands once, the table of all decides."""
    assert align("abab", "aabb") in ([(0, 0), (1, 2), (3, 3)], [(0, 0), (2, 1), (3, 3)], [(0, 1), (1, 2), (3, 3)])
    assert align("xyxy", "yxyx")[0] in {(1, 0), (0, 1)}
    assert len(align("xyxy", "yxyx")) == 3
