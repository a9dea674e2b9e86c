"""What `import deployer` gives."""

from __future__ import annotations

import deployer


def test_the_public_names_are_few_and_all_load() -> None:
    """At most twelve, each there, each documented."""
    assert len(deployer.__all__) <= 12
    assert all(getattr(deployer, name).__doc__ for name in deployer.__all__)
