"""All mutants of a package that mean something, and a sample of them that a seed decides."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.plugins import get_operator
from parso.tree import NodeOrLeaf

from tests.mutation.mutant import Mutant, Span
from tests.mutation.operators import OURS, Operator

COSMIC_RAY = (
    "AddNot",
    "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop",
    "NumberReplacer",
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Lt_LtE", "ReplaceComparisonOperator_Lt_GtE",
    "ReplaceComparisonOperator_LtE_Lt", "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_Gt_LtE",
    "ReplaceComparisonOperator_GtE_Gt", "ReplaceComparisonOperator_GtE_Lt",
    "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_FloorDiv", "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_BitOr_BitAnd", "ReplaceBinaryOperator_BitAnd_BitOr",
)  # fmt: skip
"""cosmic-ray's operators that give an opposite or a neighbour: any test fails with the others (`+` to `**`)."""


def operator(name: str) -> Operator:
    """One of ours or of cosmic-ray's."""
    if name in OURS:
        return OURS[name]()
    made: Operator = get_operator(f"core/{name}")()
    return made


def choose(root: Path, package: str, size: int, seed: int) -> list[Mutant]:
    """A sample: places first, then one change at each, so that an operator with many variants counts once.

    A larger sample of the same seed holds the smaller one.
    """
    places: defaultdict[tuple[str, Span], list[Mutant]] = defaultdict(list)
    for mutant in every(root, package):
        places[mutant.module, mutant.span].append(mutant)
    keys = sorted(places)
    random.Random(f"{seed} {package}").shuffle(keys)
    return [random.Random(f"{seed} {key}").choice(places[key]) for key in keys[:size]]


def every(root: Path, package: str) -> Iterator[Mutant]:
    """All mutants of the modules that are directly in a folder."""
    for path in sorted((root / package).glob("*.py")):
        nodes = list(ast_nodes(get_ast_from_path(path)))
        for name in (*COSMIC_RAY, *OURS):
            for occurrence, (node, span) in enumerate(_places(nodes, operator(name))):
                if not is_left_out(node):
                    yield Mutant(package, str(path.relative_to(root)), name, occurrence, span)


def _places(nodes: Sequence[NodeOrLeaf], kind: Operator) -> Iterator[tuple[NodeOrLeaf, Span]]:
    return ((node, span) for node in nodes for span in kind.mutation_positions(node))


def is_left_out(node: NodeOrLeaf) -> bool:
    """Whether a mutant here would say nothing about the tests.

    Left out are decorators, annotations, texts that are put together (f-strings: what a message says), and what stands
    outside functions: constants there are choices (limits, names, tables), and a test that repeats them proves nothing.
    """
    inner, is_inside_a_function = node, False
    while (outer := inner.parent) is not None:
        if outer.type in {"decorator", "fstring", "tfpdef"} or _is_annotation(outer, inner):
            return True
        is_inside_a_function = is_inside_a_function or (outer.type == "funcdef" and inner is outer.children[-1])
        inner = outer
    return not is_inside_a_function


def _is_annotation(outer: NodeOrLeaf, inner: NodeOrLeaf) -> bool:
    if outer.type == "annassign":
        return inner is outer.children[1]
    return outer.type in {"param", "funcdef"} and inner is outer.annotation
