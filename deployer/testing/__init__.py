"""Doubles for every port, for tests of ours and of users: no network, no database, no waiting.

    clock = FakeClock()
    store = MemoryStore(clock)
    driver = FakeDriver({"viatris.fra1": [Outcome.FAILED, Outcome.CHANGED]}, clock)
    listener = RecordingListener()

Each keeps what it was asked in public attributes. What may live here: doubles, held to the contract of what they stand
for (tests/contract). What may not: anything that the product itself uses.
"""

from deployer.testing.clones import FakeClones, FakeManifests
from deployer.testing.hosts import FakeHost, FakeHosts, FakeLocks
from deployer.testing.runs import FakeChecks, FakeClock, FakeDriver, FakeStop, NeverStop, RecordingListener
from deployer.testing.store import MemoryStore

__all__ = [
    "FakeChecks",
    "FakeClock",
    "FakeClones",
    "FakeDriver",
    "FakeHost",
    "FakeHosts",
    "FakeLocks",
    "FakeManifests",
    "FakeStop",
    "MemoryStore",
    "NeverStop",
    "RecordingListener",
]
