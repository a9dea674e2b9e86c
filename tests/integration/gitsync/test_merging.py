"""Files that both sides changed go to the merge function; everything else is git's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from deployer.manifests import ManifestFormats
from deployer.model.merge import Conflict
from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


@dataclass(frozen=True)
class Outcome:
    """What a merge function answers."""

    content: bytes | None = None
    conflicts: tuple[Conflict, ...] = ()


def edited(manifest: str, number: int, text: str) -> str:
    """The manifest with one line changed."""
    return manifest.replace(f"line {number}\n", f"{text}\n")


def both(world: World, manifest: str, number: int) -> None:
    """Ada changes line 3 and Ben another, and each a file of his own."""
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada"), "other.xml": "ada\n"}, push=True)
    world.commit(world.clone, {"viatris.xml": edited(manifest, number, "ben"), "b.xml": "b\n"}, "ben's")


def test_the_merge_function_decides(world: World, manifest: str) -> None:
    """It is asked once for each file that both sides changed, also where git sees a conflict, and its bytes land.

    Ours is what the clone has, theirs what the remote has.
    """
    both(world, manifest, 3)
    asked: list[tuple[str, bytes, bytes, bytes]] = []

    def merge(path: str, base: bytes, ours: bytes, theirs: bytes, *, rules: bytes) -> Outcome:
        assert rules == b""
        asked.append((path, base, ours, theirs))
        return Outcome(b"\xff merged\r\n")

    result = world.engine(merge).sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    three = tuple(text.encode() for text in (manifest, edited(manifest, 3, "ben"), edited(manifest, 3, "ada")))
    assert asked == [("viatris.xml", *three)]
    assert (world.clone / "viatris.xml").read_bytes() == b"\xff merged\r\n"
    assert (world.clone / "b.xml").read_text() == "b\n"
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert len(world.host.calls) == 2


def test_what_it_calls_a_conflict_is_one(world: World, manifest: str) -> None:
    """Although git would merge the lines: place, values, persons and times stand in the report, field by field."""
    both(world, manifest, 20)
    before = world.state()

    conflict = Conflict("release/@version", "changed", "1", "2", "3")
    engine = world.engine(lambda *_sides, **_rules: Outcome(None, (conflict,)))
    result = engine.sync(world.host, world.repository)

    assert result.manual is not None
    assert (result.manual.kind, result.manual.paths) == ("conflict", ("viatris.xml",))
    (field,) = result.manual.conflicts
    assert (field.file, field.path, field.base, field.ours, field.theirs) == (
        "viatris.xml", "release/@version", "1", "2", "3",
    )  # fmt: skip
    assert ("ben" in field.ours_by.lower(), "ada" in field.theirs_by.lower()) == (True, True)
    assert datetime.fromisoformat(field.ours_at) <= datetime.now(UTC)
    assert (
        f"viatris.xml: release/@version: was '1', ours '2' ({field.ours_by}, {field.ours_at})" in result.manual.detail
    )
    assert world.state() == before


BASE = "servers:\n- {host: a, port: 1}\n"
RULES = "identity:\n  servers: [host, port]\n"


@pytest.mark.parametrize(("rules", "kind"), [("", "conflict"), (RULES, ""), ("identity: [\n", "conflict")])
def test_the_remotes_own_rules_hold(world: World, rules: str, kind: str) -> None:
    """Both add a server: what tells servers apart is said by a file in the repository, as the remote has it."""
    first = {"servers.yaml": BASE, ".deployer-merge.yml": rules} if rules else {"servers.yaml": BASE}
    world.commit(world.ada, first, push=True)
    merge = ManifestFormats().merge
    world.engine(merge).sync(world.host, world.repository)
    world.commit(world.ada, {"servers.yaml": BASE + "- {host: b, port: 1}\n"}, push=True)
    world.commit(world.clone, {"servers.yaml": BASE + "- {host: a, port: 2}\n"})

    result = world.engine(merge).sync(world.host, world.repository)

    assert (result.manual.kind if result.manual else "") == kind
    assert result.manual is None or (".deployer-merge.yml:" in result.manual.detail) == bool(rules)
    assert result.manual or {"host: b", "port: 2"} <= {
        word.strip(" {}-") for line in world.at_tip("servers.yaml").splitlines() for word in line.split(",")
    }


def test_what_is_not_its_own_is_merged_by_lines(world: World, manifest: str) -> None:
    """Neither content nor conflicts: git's line merge decides, a clean one here."""
    both(world, manifest, 20)

    result = world.engine(lambda *_sides, **_rules: Outcome()).sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "ada"), 20, "ben")


@pytest.mark.parametrize("who", ["ada", "ben"])
@pytest.mark.parametrize("text", ["", "ben"])
def test_an_executable_bit_comes_through(world: World, manifest: str, who: str, text: str) -> None:
    """A `chmod +x` of either side lands beside an edit of the other's, also where it was all that its commit did."""
    side = world.ada if who == "ada" else world.clone
    other = world.clone if who == "ada" else world.ada
    if text:
        (side / "viatris.xml").write_text(edited(manifest, 20, text))
    (side / "viatris.xml").chmod(0o755)
    world.git(side, "commit", "-q", "-a", "-m", "executable")
    world.commit(other, {"viatris.xml": edited(manifest, 3, "of the other")})
    world.git(world.ada, "push", "-q")
    asked: list[tuple[str, bytes, bytes, bytes, bytes]] = []

    def merge(path: str, base: bytes, ours: bytes, theirs: bytes, *, rules: bytes) -> Outcome:
        asked.append((path, base, ours, theirs, rules))
        return Outcome(edited(edited(manifest, 3, "of the other"), 20, text).encode())

    result = world.engine(merge).sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert [one[0] for one in asked] == (["viatris.xml"] if text else [])
    assert world.git(world.bare, "ls-tree", "--format=%(objectmode)", "main", "viatris.xml") == "100755"
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "of the other"), 20, text or "line 20")
    assert (world.clone / "viatris.xml").stat().st_mode & 0o100
    assert world.git(world.clone, "status", "--porcelain") == ""


def test_a_local_merge_is_kept(world: World, manifest: str) -> None:
    """A history with merges of a person is not flattened: it is merged as a whole, and every commit keeps its id."""
    both(world, manifest, 20)
    world.git(world.clone, "pull", "-q", "--no-rebase", "--no-edit")
    world.commit(world.ada, {"doc/notes.txt": "more\n"}, "ada's second", push=True)
    mine = world.git(world.clone, "rev-parse", "HEAD")

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.git(world.bare, "rev-parse", "main^2") == mine
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()


def test_histories_that_merged_each_other(world: World, manifest: str) -> None:
    """What one side took back since is not brought back because one of several merge bases does not have it."""
    one, two = (manifest.replace(f"line {line}\n", "new\n") for line in (3, 30))
    world.commit(world.clone, {"viatris.xml": one})
    world.git(world.clone, "branch", "one")
    world.commit(world.ada, {"viatris.xml": two}, push=True)
    world.git(world.ada, "fetch", "-q", str(world.clone), "one")
    world.git(world.ada, "merge", "-q", "--no-edit", "FETCH_HEAD")
    world.git(world.clone, "fetch", "-q", "origin")
    world.git(world.clone, "merge", "-q", "--no-edit", "origin/main")
    world.git(world.ada, "push", "-q")
    world.commit(world.ada, {"viatris.xml": two}, "not line 3 after all", push=True)
    world.commit(world.clone, {"acme.xml": "of ben\n"})

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None, result
    assert (result.manual.kind, result.manual.paths) == ("conflict", ("viatris.xml",))
    assert world.at_tip("viatris.xml") + "\n" == two


def test_what_landed_otherwise_is_not_sent_twice(world: World, manifest: str) -> None:
    """A local commit whose content is on the remote already is left out, and the clone follows the remote."""
    text = edited(manifest, 3, "both")
    world.commit(world.clone, {"viatris.xml": text}, "ben's")
    world.commit(world.ada, {"viatris.xml": text}, "ada's", push=True)

    result = world.engine().sync(world.host, world.repository)

    assert (result.status, result.landed, result.manual) == (SyncStatus.RECEIVED, (), None)
    assert world.subjects() == ["ada's", "first"]


def test_a_change_that_stands_already(world: World, manifest: str) -> None:
    """Automation asks for what is there: no commit is made, and the tip is what has it."""
    result = world.engine().sync(world.host, world.repository, world.change(manifest))

    assert (result.status, result.change) == (SyncStatus.IN_SYNC, world.tip())
    assert world.subjects() == ["first"]
