"""Which deep cases a run takes: pure functions of the cases, the shares, the seed and what a change touches."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.budget.seed import dice
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
    """The parts whose tests, or the code that they cover, are among the changed files."""
    return frozenset(part for part in parts if any(file.startswith((*part.tests, *part.covers)) for file in files))


def allowances(needs: Mapping[Part, float], changed: Collection[Part]) -> dict[Part, float]:
    """Seconds for each part; their sum is at most the sum of the shares.

    A part that a change touches has its own share, and more of what it needs as far as the others' seconds reach: those
    that they do not need, and up to half of their shares.
    """
    kept = {part: min(need, part.share * (1 if part in changed else LEAST)) for part, need in needs.items()}
    room = sum(part.share for part in needs) - sum(kept.values())
    whole = {part: need - kept[part] for part, need in needs.items() if part in changed}
    kept, room = _spread(kept, whole, room)
    rest = {part: min(need, part.share) - kept[part] for part, need in needs.items() if part not in changed}
    return _spread(kept, rest, room)[0]


def _spread(kept: Mapping[Part, float], wanted: Mapping[Part, float], room: float) -> tuple[dict[Part, float], float]:
    """Give what is wanted, in proportion where there is not enough: what each part has then, and the room left."""
    total = sum(wanted.values())
    scale = min(1.0, room / total) if total > ROUNDING else 0.0
    return {part: seconds + wanted.get(part, 0.0) * scale for part, seconds in kept.items()}, room - total * scale


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
        if case.seconds > seconds + ROUNDING:
            # More than the part ever has: it runs as often as the part pays for it on average.
            taken += [case.name] if dice(seed, case.name).random() < seconds / case.seconds else []
        elif spent + case.seconds <= seconds + ROUNDING:
            # Else it is left out where only cheaper ones still fit; another day it is drawn earlier.
            taken.append(case.name)
            spent += case.seconds
    return taken
