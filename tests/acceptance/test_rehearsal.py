"""A mass deployment, rehearsed: 30 clusters on real hosts, some of which are dead, and a site that is cut off."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell
from tests.budget.marks import deep
from tests.nspawn import IMAGES, needed

pytestmark = pytest.mark.timeout(3600)
SITES = ("fra1", "ams2", "iad1")
DEAD = ("fra1-sandbox-app02", "fra1-sandbox-app07", "ams2-sandbox-app04")


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A command line in a sandbox of 3 sites, 30 clusters and 120 instances."""
    needed()
    shell = Shell(tmp_path_factory.mktemp("rehearsal"))
    shell.seconds = 1200
    shell.environment |= {**IMAGES, "DEPLOYER_SANDBOX": "lab"}
    size = ("--sites", ",".join(SITES), "--clusters", "30", "--instances", "120")
    made = shell("sandbox", "create", "lab", "--backend", "nspawn", *size)
    assert made.code == 0, made.err
    yield shell
    assert shell("sandbox", "destroy", "lab").code == 0


@deep(235)
def test_an_outage_in_a_mass_deployment(lab: Shell) -> None:
    """Every target ends in an outcome: what is alive changes, the dead are unreachable, and retry finishes the rest."""
    first = lab("redeploy", *SITES, "--json")
    assert first.code == 0, first.err
    assert Counter(first.outcomes.values()) == {"changed": 120}
    for site in SITES:
        _release(lab.folder / "state" / "sandboxes" / "lab" / "people" / "erin" / f"clusterconfig-{site}")
    for host in DEAD:
        assert lab("sandbox", "host", "kill", host).code == 0
    assert lab("sandbox", "fault", "iad1", "cut").code == 0
    done = lab("redeploy", *SITES, "--json")
    assert done.code == 4, done.err
    # 40 instances of the site that is cut off, and 4 of each dead node.
    assert Counter(done.outcomes.values()) == {"changed": 68, "unreachable": 52}
    for host in DEAD:
        assert lab("sandbox", "host", "start", host).code == 0
    assert lab("sandbox", "fault", "iad1", "heal").code == 0
    again = lab("retry", done.document["data"]["id"], "--json")
    assert again.code == 0, again.err
    assert Counter(again.outcomes.values()) == {"changed": 52}


def _release(clone: Path) -> None:
    """A person wants version 1.5.0 of every instance."""
    for manifest in (*clone.glob("*.xml"), *clone.glob("*.yaml")):
        manifest.write_text(manifest.read_text(encoding="utf-8").replace('"1.4.2"', '"1.5.0"'), encoding="utf-8")
    for words in (("commit", "-qam", "Version 1.5.0"), ("push", "-q")):
        subprocess.run(["git", "-C", str(clone), *words], check=True, capture_output=True)
