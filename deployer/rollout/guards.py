"""What must not happen."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.errors import RefusedError, UsageError
from deployer.rollout.request import Request

AROUND_THE_GUARDS = ("--inventory", "--inventory-file", "--limit", "--check")
_SHORT = "ilC"
_SHORT_WITH_VALUE = "efMtuTc"


def is_harmless(request: Request) -> bool:
    """Whether it may be carried out though nobody confirmed it.

    Raises:
        RefusedError: production, and it would change something.
    """
    if request.inventory.is_production and not request.options.check:
        raise RefusedError(f"{request.inventory.environment} is production", hint="yes=True confirms")
    return True


def check_raw(arguments: Sequence[str]) -> None:
    """Refuse raw ansible-playbook arguments that would choose other hosts than the plan, or not check.

    Raises:
        UsageError: `-i`, `-l` or `-C` in any spelling. Ansible's parser takes abbreviations (`--lim`) and clusters
            (`-vC`), so a comparison of whole words would let them through.
    """
    for argument in arguments:
        if _is_long(argument) or _is_short(argument):
            hint = "give -i, -l and -C before the --"
            raise UsageError(f"{argument} after -- would go round deployer's guards", hint=hint)


def _is_long(argument: str) -> bool:
    word = argument.split("=", 1)[0]
    return len(word) > len("--") and any(option.startswith(word) for option in AROUND_THE_GUARDS)


def _is_short(argument: str) -> bool:
    if not argument.startswith("-") or argument.startswith("--"):
        return False
    for letter in argument[1:]:
        if letter in _SHORT:
            return True
        if letter in _SHORT_WITH_VALUE:
            return False
    return False
