"""Raw arguments that would go round the guards."""

from __future__ import annotations

import pytest

from deployer.errors import UsageError
from deployer.rollout.guards import check_raw


@pytest.mark.parametrize(
    "argument",
    [
        *("-i", "-ihosts", "--inventory=x", "--inv", "-l", "-lall", "--limit", "--lim=all", "-C", "-vC", "-vvi"),
        *("--check", "-KC", "-Jihosts", "-kblall", "-Di"),
    ],
)
def test_other_hosts_or_no_check_are_refused_in_any_spelling(argument: str) -> None:
    """Ansible takes abbreviations and clusters of letters."""
    with pytest.raises(UsageError, match="guards"):
        check_raw([argument])


@pytest.mark.parametrize(
    "argument",
    ["-v", "-vvv", "-e", "-eil=1", "--step", "--start-at-task=Call", "-f", "il", "-K", "-Jk", "-bul", "-Tl", "-clocal"],
)
def test_other_arguments_pass(argument: str) -> None:
    """What chooses no hosts is Ansible's business."""
    check_raw([argument])
