"""What can be done to the link of a site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from deployer.errors import UsageError

_UNITS = {"ms": 0.001, "s": 1.0, "%": 0.01}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|%)")
_LONGEST = 60.0


class Kind(StrEnum):
    """What is wrong with the link."""

    CUT = "cut"
    """Nothing goes through, and nobody is told."""
    DELAY = "delay"
    """Every packet comes later, in both directions."""
    LOSS = "loss"
    """Some packets never come, in both directions."""
    HEAL = "heal"
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A state of a link; it stays until the next one."""

    kind: Kind
    amount: float = 0.0
    """Seconds of a delay, or the share of packets that are lost."""


def parse(kind: str, amount: str = "") -> Fault:
    """Read what a person typed: `cut`, `delay 100ms`, `loss 5%`, `heal`.

    Raises:
        UsageError: it cannot be meant.
    """
    if kind not in set(Kind):
        raise UsageError(f"a link knows {', '.join(Kind)}, not {kind}")
    if kind in {Kind.CUT, Kind.HEAL}:
        if amount:
            raise UsageError(f"{kind} takes no amount, and {amount} was given")
        return Fault(Kind(kind))
    found = _AMOUNT.fullmatch(amount)
    value = float(found[1]) * _UNITS[found[2]] if found else 0.0
    is_share = amount.endswith("%")
    if not found or is_share is not (kind == Kind.LOSS) or not 0 < value <= (1.0 if is_share else _LONGEST):
        raise UsageError(f"{kind} {amount or 'alone'} cannot be meant", hint="like: delay 100ms, delay 1.5s, loss 5%")
    return Fault(Kind(kind), value)
