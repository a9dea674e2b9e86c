"""Locks on a deployer host, reached both ways."""

from __future__ import annotations

import os
import select
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployer.errors import LockedError
from deployer.hosts.locks import HostLocks
from deployer.model.site import Repository
from deployer.ports import Host, Lock
from tests.budget.pace import limit

FRA1 = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1")
SHARED, SITE = Lock("site", exclusive=False), Lock("site", exclusive=True)
VIATRIS, ACME = Lock("instance/viatris", exclusive=True), Lock("instance/acme", exclusive=True)


def folder(home: Path) -> Path:
    """Where the locks of fra1 are."""
    return home / "deployer" / ".locks" / "clusterconfig-fra1"


def holders(home: Path) -> list[str]:
    """The locks that somebody holds by name."""
    return sorted(path.name.split(".")[0] for path in folder(home).glob("*.holder.*"))


def test_an_exclusive_lock_keeps_others_out(host: Host) -> None:
    """The error names the lock, who holds it, in which run, and since when."""
    locks = HostLocks()
    with (
        locks.hold(host, FRA1, [VIATRIS], run="20261120-aaaa", who="anna@ops1"),
        pytest.raises(LockedError) as info,
        locks.hold(host, FRA1, [VIATRIS], run="b", who="ben"),
    ):
        pass

    assert info.match(
        r"^instance/viatris on fra1-prod-dep01 is locked by anna@ops1 \(run 20261120-aaaa\) since \d{4}-\d\d-\d\dT.*Z$"
    )
    assert "deployer show 20261120-aaaa" in info.value.hint
    with locks.hold(host, FRA1, [VIATRIS], run="b", who="ben"):
        pass


def test_shared_locks_go_together_and_keep_an_exclusive_one_out(host: Host) -> None:
    """Many runs on a site; nobody alone on it meanwhile, and the other way round."""
    locks = HostLocks()
    with ExitStack() as stack:
        for run in ("a", "b"):
            stack.enter_context(locks.hold(host, FRA1, [SHARED], run=run, who="anna"))
        with (
            pytest.raises(LockedError, match=r"site .* \(run [ab]\)"),
            locks.hold(host, FRA1, [SITE], run="c", who="c"),
        ):
            pass
    with (
        locks.hold(host, FRA1, [SITE], run="c", who="c"),
        pytest.raises(LockedError, match="site"),
        locks.hold(host, FRA1, [SHARED], run="d", who="d"),
    ):
        pass


def test_all_or_none(host: Host, deployer_home: Path) -> None:
    """When one is refused the others are free again, and nothing says that we hold them."""
    locks = HostLocks()
    with locks.hold(host, FRA1, [VIATRIS], run="a", who="anna"):
        with pytest.raises(LockedError, match="viatris"):
            locks.hold(host, FRA1, [SHARED, ACME, VIATRIS], run="b", who="ben").__enter__()
        with locks.hold(host, FRA1, [SITE, ACME], run="c", who="cora"):
            assert holders(deployer_home) == ["instance%2Facme", "instance%2Fviatris", "site"]
    assert holders(deployer_home) == []


def test_fencing_numbers_grow(host: Host) -> None:
    """Each exclusive lock has one, higher than all before; a shared one has none."""
    locks = HostLocks()
    numbers = []
    for _ in range(3):
        with locks.hold(host, FRA1, [SHARED, VIATRIS], run="a", who="anna") as fences:
            assert set(fences) == {"instance/viatris"}
            numbers.append(fences["instance/viatris"])

    assert numbers == sorted(set(numbers))


def test_a_killed_holder_frees_its_locks(host: Host, deployer_home: Path) -> None:
    """Even with SIGKILL; what it left is swept by the next one, and names nobody."""
    locks = HostLocks()
    with locks.hold(host, FRA1, [VIATRIS], run="a", who="anna"):
        (left,) = folder(deployer_home).glob("*.holder.*")
        pid = int(left.name.rpartition(".holder.")[2].split("-")[0])
        watch = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        assert select.select([watch], [], [], limit(120))[0]
        os.close(watch)
        assert left.exists()
        with locks.hold(host, FRA1, [VIATRIS], run="b", who="ben"):
            assert not left.exists()


@pytest.mark.parametrize("name", ["instance/../../x", "..", "a; touch INJECTED", "ü" * 300, "{{ x }}", "a\nb"])
def test_any_name_is_a_file_in_the_folder_of_locks(host: Host, deployer_home: Path, name: str) -> None:
    """Nothing outside of it is made."""
    repository = Repository(f"../{name}", "~/x")
    with HostLocks().hold(host, repository, [Lock(name, exclusive=True)], run="a", who="anna") as fences:
        assert set(fences) == {name}

    assert [path.name for path in deployer_home.iterdir()] == ["deployer"]
    assert [path.name for path in (deployer_home / "deployer").iterdir()] == [".locks"]
    assert len(list((deployer_home / "deployer" / ".locks").iterdir())) == 1
    assert not list(deployer_home.parent.rglob("INJECTED"))


def test_repositories_have_their_own_locks(host: Host) -> None:
    """The same name in another repository is another lock."""
    locks = HostLocks()
    with (
        locks.hold(host, FRA1, [SITE], run="a", who="a"),
        locks.hold(host, Repository("b", ""), [SITE], run="b", who="b"),
    ):
        pass
