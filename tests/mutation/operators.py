"""Mutation operators that cosmic-ray lacks: a missing statement, a missing argument, more negated conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import parso
from parso.tree import NodeOrLeaf

from tests.mutation.mutant import Span

LEFT_OUT = frozenset({"check", "encoding", "strict", "hint", "name", "daemon"})
"""Arguments that repeat a default, hold anyway in a UTF-8 locale, or are words for a reader."""


class Operator(Protocol):
    """The part of cosmic-ray's Operator that applies a mutation."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Where in this node there is something to change, one for each change; all known before the first is given."""

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """The node with the change of that number."""


class NegateMembership:
    """`in` and `not in` change places."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Each operator of a comparison."""
        return iter([_span(_children(node)[index]) for index in self._operators(node)])

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """One of them becomes the other."""
        place = self._operators(node)[index]
        other = " in" if _code(_children(node)[place]) == "not in" else " not in"
        _children(node)[place] = parso.parse(other)
        return node

    @staticmethod
    def _operators(node: NodeOrLeaf) -> list[int]:
        if node.type != "comparison":
            return []
        return [index for index, child in enumerate(_children(node)) if _code(child) in {"in", "not in"}]


class NegateCondition:
    """The conditions that cosmic-ray's AddNot leaves out: of `elif`, and of a comprehension."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Each such condition."""
        return iter([_span(_children(node)[index]) for index in self._conditions(node)])

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """One becomes its opposite."""
        place = self._conditions(node)[index]
        _children(node)[place] = parso.parse(f" not ({_code(_children(node)[place])})")
        return node

    @staticmethod
    def _conditions(node: NodeOrLeaf) -> list[int]:
        if node.type == "comp_if":
            return [1]
        if node.type != "if_stmt":
            return []
        return [index + 1 for index, child in enumerate(_children(node)) if _code(child) == "elif"]


class RemoveStatement:
    """A call made for its effect, an assignment to an attribute or an item, and `+=` are left out."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """The statement."""
        if node.type == "simple_stmt" and self._has_an_effect(_children(node)[0]):
            yield _span(_children(node)[0])

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """`pass` instead."""
        del index
        prefix = _children(node)[0].get_first_leaf().prefix
        _children(node)[0] = parso.parse(f"{prefix}pass")
        return node

    @staticmethod
    def _has_an_effect(statement: NodeOrLeaf) -> bool:
        if statement.type in {"atom_expr", "power"}:
            return _code(_children(statement)[-1]).startswith("(")
        if statement.type != "expr_stmt":
            return False
        target, sign = _children(statement)[:2]
        return target.type in {"atom_expr", "power"} or (_code(sign).endswith("=") and _code(sign) != "=")


class RemoveArgument:
    """An argument given by its name is left out: its default takes its place, where it has one."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Each such argument of a call."""
        return iter([_span(_children(node)[index]) for index in self._named(node)])

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """Without it, and its comma."""
        place = self._named(node)[index]
        end = place + 2 if node.type == "arglist" else place + 1
        del _children(node)[place:end]
        return node

    @staticmethod
    def _named(node: NodeOrLeaf) -> list[int]:
        if node.type not in {"arglist", "trailer"}:
            return []
        return [index for index, child in enumerate(_children(node)) if _is_named(child)]


class CatchNothing:
    """An `except` clause that catches nothing: as if its exception had been forgotten."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """The exception, or all of them."""
        return iter([_span(_children(node)[1])] if node.type == "except_clause" else [])

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """`except ()`."""
        del index
        _children(node)[1] = parso.parse(" ()")
        return node


OURS: dict[str, type[Operator]] = {
    kind.__name__: kind for kind in (NegateMembership, NegateCondition, RemoveStatement, RemoveArgument, CatchNothing)
}


def _is_named(node: NodeOrLeaf) -> bool:
    if node.type != "argument" or _code(_children(node)[1]) != "=":
        return False
    return _code(_children(node)[0]) not in LEFT_OUT


def _children(node: NodeOrLeaf) -> list[NodeOrLeaf]:
    children: list[NodeOrLeaf] = getattr(node, "children", [])
    return children


def _code(node: NodeOrLeaf) -> str:
    return str(node.get_code(include_prefix=False)).strip()


def _span(node: NodeOrLeaf) -> Span:
    return node.start_pos, node.end_pos
