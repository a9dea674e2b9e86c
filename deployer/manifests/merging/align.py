"""Which things of one sequence are those of another: what stands once in both first (patience), in linear time."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Hashable, Sequence

_SMALL = 40_000
"""Cells of a table that is worth its time, where nothing stands once."""

Pairs = list[tuple[int, int]]
_Range = tuple[int, int, int, int]


def align(left: Sequence[Hashable], right: Sequence[Hashable]) -> Pairs:
    """Positions of what is the same in both, rising in both."""
    pairs: Pairs = []
    todo: list[_Range] = [(0, len(left), 0, len(right))]
    while todo:
        todo.extend(_step(left, right, todo.pop(), pairs))
    pairs.sort()
    return pairs


def _step(left: Sequence[Hashable], right: Sequence[Hashable], span: _Range, pairs: Pairs) -> list[_Range]:
    """Pair what is clear in a range; the ranges between that are left."""
    low, high, first, last = _trimmed(left, right, span, pairs)
    if low == high or first == last:
        return []
    anchors = _anchors(left, right, (low, high, first, last))
    if not anchors:
        if (high - low) * (last - first) <= _SMALL:
            pairs.extend(_longest(left, right, (low, high, first, last)))
        return []
    pairs.extend(anchors)
    ends = [*anchors, (high, last)]
    starts = [(low, first), *((one + 1, other + 1) for one, other in anchors)]
    return [(one, to, other, until) for (one, other), (to, until) in zip(starts, ends, strict=True)]


def _trimmed(left: Sequence[Hashable], right: Sequence[Hashable], span: _Range, pairs: Pairs) -> _Range:
    low, high, first, last = span
    while low < high and first < last and left[low] == right[first]:
        pairs.append((low, first))
        low, first = low + 1, first + 1
    while low < high and first < last and left[high - 1] == right[last - 1]:
        high, last = high - 1, last - 1
        pairs.append((high, last))
    return low, high, first, last


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable], span: _Range) -> Pairs:
    """The longest rising series of what stands once on both sides."""
    low, high, first, last = span
    count_left, count_right = Counter(left[low:high]), Counter(right[first:last])
    where = {right[at]: at for at in range(first, last) if count_right[right[at]] == 1}
    found = [(at, where[left[at]]) for at in range(low, high) if count_left[left[at]] == 1 and left[at] in where]
    return rising(found)


def rising(pairs: Pairs) -> Pairs:
    """The longest part of some pairs, which rise in their first, that rises in the second too."""
    tops: list[int] = []
    holders: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        pile = bisect.bisect_left(tops, value)
        before.append(holders[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(value)
            holders.append(index)
        else:
            tops[pile], holders[pile] = value, index
    series: Pairs = []
    at = holders[-1] if holders else -1
    while at >= 0:
        series.append(pairs[at])
        at = before[at]
    return series[::-1]


def _longest(left: Sequence[Hashable], right: Sequence[Hashable], span: _Range) -> Pairs:
    """The longest common series by the table of all: only for small ranges."""
    low, high, first, last = span
    rows = [[0] * (last - first + 1)]
    for one in range(high - 1, low - 1, -1):
        below, row = rows[-1], [0]
        for other in range(last - 1, first - 1, -1):
            at = last - other
            same = left[one] == right[other]
            row.append(below[at - 1] + 1 if same else max(below[at], row[-1]))
        rows.append(row)
    pairs: Pairs = []
    one, other = low, first
    while one < high and other < last:
        row, at = rows[high - one], last - other
        if left[one] == right[other] and row[at] == rows[high - one - 1][at - 1] + 1:
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif rows[high - one - 1][at] >= row[at - 1]:
            one += 1
        else:
            other += 1
    return pairs
