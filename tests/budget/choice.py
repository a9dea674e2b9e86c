"""Which deep cases a run takes: pure functions of the cases, the shares, the seed and what a change touches."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.budget.shares import Part

ROUNDING = 1e-6
LEAST = 0.5
"""Of its share, that a part keeps when the parts that a change touches need more than theirs."""


@dataclass(frozen=True)
class Case:
    """A deep case.

    Args:
        name: its node id.
        part: whose share pays for it.
        seconds: what it costs.
    """

    name: str
    part: Part
    seconds: float


def touched(parts: Iterable[Part], files: Collection[str]) -> frozenset[Part]:
    """The parts whose code is among the changed files."""
    return frozenset(part for part in parts if any(file.startswith(part.covers) for file in files))


def allowances(needs: Mapping[Part, float], changed: Collection[Part]) -> dict[Part, float]:
    """Seconds for each part; their sum is at most the sum of the shares.

    A part that a change touches runs whole as far as the others' seconds reach: what they do not need, and then up to
    half of their shares.
    """
    total = sum(part.share for part in needs)
    least = {part: min(need, part.share * LEAST) for part, need in needs.items() if part not in changed}
    wanted = {part: need for part, need in needs.items() if part in changed}
    room = total - sum(least.values())
    given = {part: need * min(1.0, room / sum(wanted.values())) for part, need in wanted.items()} if wanted else {}
    left = total - sum(given.values()) - sum(least.values())
    more = {part: min(needs[part], part.share) - seconds for part, seconds in least.items()}
    scale = min(1.0, left / sum(more.values())) if sum(more.values()) else 0.0
    return given | {part: seconds + more[part] * scale for part, seconds in least.items()}


def chosen(cases: Sequence[Case], seed: str, changed: Collection[Part]) -> frozenset[str]:
    """Names of the cases to run: in an order drawn by the seed, each part's until its allowance is spent."""
    by_part: dict[Part, list[Case]] = defaultdict(list)
    for case in cases:
        by_part[case.part].append(case)
    given = allowances({part: sum(case.seconds for case in own) for part, own in by_part.items()}, changed)
    return frozenset(name for part, own in by_part.items() for name in _taken(own, seed, given[part]))


def _taken(cases: Sequence[Case], seed: str, seconds: float) -> list[str]:
    drawn = sorted(cases, key=lambda case: hashlib.sha256(f"{seed} {case.name}".encode()).digest())
    spent, taken = 0.0, []
    for case in drawn:
        # An expensive case is left out where only cheaper ones still fit; another day it is drawn first.
        if spent + case.seconds <= seconds + ROUNDING:
            taken.append(case.name)
            spent += case.seconds
    return taken
