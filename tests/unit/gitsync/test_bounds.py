"""How much of a conflict is told."""

from __future__ import annotations

from deployer.gitsync.bounds import told
from deployer.model.merge import Conflict


def test_conflicts_are_told_in_short() -> None:
    """Values of megabytes are cut, and of very many places the first are told, with how many follow."""
    one = Conflict("version", "changed", "1", "x" * 5000, None)
    found = told([one] * 203)
    assert len(found) == 201
    assert isinstance(found[0], dict)
    assert found[0]["ours"] == "x" * 4000 + "… (5000 characters)"
    assert (found[0]["base"], found[0]["theirs"]) == ("1", None)
    assert found[-1] == {"path": "", "said": "and 3 more places"}
