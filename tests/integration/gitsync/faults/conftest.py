"""The scene of a situation: the world of the other tests, with a record, servers, and a repository around the clone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.settings import SyncSettings
from tests.budget.pace import limit
from tests.integration.gitsync.conftest import TestClock, World
from tests.integration.gitsync.faults.scene import RecordingHost, Scene
from tests.sshd import Lan, made_lan


@pytest.fixture(scope="session")
def lans() -> Iterator[list[Lan]]:
    """The one sshd of all situations, once there is one."""
    made: list[Lan] = []
    yield made
    for lan in made:
        lan.stop()


@pytest.fixture
def scene(world: World, lans: list[Lan], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A world around which there is another repository; what a situation sets up ends with it."""

    def lan() -> Lan:
        if not lans:
            lans.append(made_lan(tmp_path_factory.mktemp("lan") / "home"))
            lans[0].start(known=False)
            server = lans[0].servers[0]
            known = lans[0].home / ".ssh" / "known_hosts"
            known.write_text(f"remote {server.host_key}\n{server.known}")
        return lans[0]

    host = RecordingHost(world.root / "home", world.environment)
    settings = SyncSettings(seconds=limit(60), first_wait=0.001, longest_wait=0.002)
    made = Scene(world.root, world.environment, host, TestClock(), settings, lan=lan)
    made.git(made.root / "home", "init", "-q")
    made.watched()
    yield made
    made.close()
    for pid in made.living():
        os.kill(pid, 9)


@pytest.fixture
def home(scene: Scene) -> Path:
    """Of the user of the deployer host."""
    return scene.root / "home"
