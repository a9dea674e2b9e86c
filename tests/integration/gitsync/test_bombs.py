"""Small pushes that unfold into far more than they weigh: each ends in a report, within limits of memory and time.

The limits are put on the program itself (prlimit), not read off a clock: where it needs more, it dies without a word.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from deployer.errors import AttentionError
from deployer.model.manifest import Oversized
from deployer.model.sync import ManualWork, SyncStatus
from tests.budget.marks import deep
from tests.integration.gitsync.conftest import World

BOUNDED = ("prlimit", f"--data={400 << 20}:", "--cpu=20:", "--")
SERVER = "prlimit --data=unlimited: --cpu=unlimited: git-upload-pack"


@pytest.fixture
def bounded(world: World) -> World:
    """The program may have 400 MiB of memory and 20 s of a processor, and so may each git."""
    world.host.prefix = BOUNDED
    world.git(world.clone, "config", "remote.origin.uploadpack", SERVER)  # the server is another machine
    return world


def write(world: World, kind: str, data: bytes) -> str:
    """An object of the remote, as a hostile committer would write it."""
    argv = ["git", "-C", str(world.bare), "hash-object", "-w", "--stdin", "-t", kind, "--literally"]
    return (
        subprocess.run(argv, input=data, capture_output=True, check=True, env=world.environment).stdout.decode().strip()
    )


def tree(world: World, *entries: tuple[str, str, str]) -> str:
    """A tree of the remote: mode, name, object id."""
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in entries)
    return write(world, "tree", data)


def nested(world: World, depth: int, width: int) -> str:
    """Trees in trees: `depth` objects for width ** depth files."""
    entry = ("100644", write(world, "blob", b"x\n"))
    for _ in range(depth):
        made = tree(world, *((entry[0], f"{number:06}", entry[1]) for number in range(width)))
        entry = ("40000", made)
    return entry[1]


def put(world: World, root: str, message: str = "a bomb") -> None:
    """Let the remote's branch have a tree."""
    new = world.git(world.bare, "commit-tree", root, "-p", "main", "-m", message)
    world.git(world.bare, "update-ref", "refs/heads/main", new)


def land(world: World, made: str) -> None:
    """Let the remote's branch have the tree besides what it has, in a folder `z`."""
    listed = world.git(world.bare, "ls-tree", "main").splitlines()
    kept = [(line.split()[0].lstrip("0"), line.split("\t")[1], line.split()[2]) for line in listed]
    put(world, tree(world, *kept, ("40000", "z", made)), "a bomb")


def reported(world: World) -> ManualWork:
    """What a sync says that must not have changed anything."""
    before = world.state()
    result = world.engine().sync(world.host, world.repository)
    assert result.status is SyncStatus.MANUAL
    assert result.manual is not None
    assert world.state() == before
    return result.manual


def test_trees(bounded: World) -> None:
    """Ten nested folders of ten each, 10^10 files; once a commit on top takes them back the clone follows."""
    land(bounded, nested(bounded, 10, 10))
    work = reported(bounded)
    assert work.kind == "too-large"
    assert "10000000003; the setting sync.most_files allows 100000." in work.detail
    assert isinstance(bounded.engine().inspect(bounded.host, bounded.repository), ManualWork)
    put(bounded, bounded.git(bounded.bare, "rev-parse", "main~1^{tree}"), "taken back")
    result = bounded.engine().sync(bounded.host, bounded.repository)
    assert result.status is SyncStatus.RECEIVED
    assert [(commit.subject, commit.paths) for commit in result.received] == [("a bomb", ()), ("taken back", ())]


@pytest.mark.parametrize(
    ("depth", "width", "told"),
    [
        pytest.param(1, 100_001, "the setting sync.most_files allows 100000.", marks=deep(6)),
        (200, 1, "the setting sync.most_depth allows 64."),
        (63, 2, "the setting sync.most_files allows 100000."),
    ],
)
def test_shapes(bounded: World, depth: int, width: int, told: str) -> None:
    """A folder of very many files, folders very deep in folders, and both."""
    land(bounded, nested(bounded, depth, width))
    assert told in reported(bounded).detail


def test_raised(bounded: World) -> None:
    """Whoever means it raises the setting, and it lands."""
    land(bounded, nested(bounded, 70, 1))
    bounded.settings = bounded.settings.model_copy(update={"most_depth": 100})
    assert bounded.engine().sync(bounded.host, bounded.repository).status is SyncStatus.RECEIVED


def test_long_path(bounded: World) -> None:
    """No file system could hold it."""
    made = nested(bounded, 1, 1)
    for _ in range(40):
        made = tree(bounded, ("40000", "n" * 200, made))
    land(bounded, made)
    assert "length of a path" in reported(bounded).detail


@deep(7)
def test_tree_object(bounded: World) -> None:
    """A folder in one object of 40 MB, which the history shows as a commit of nothing once it is taken back."""
    blob = bytes.fromhex(write(bounded, "blob", b"x"))
    entries = (b"100644 %0200d\0" % number + blob for number in range((40 << 20) // 228))
    land(bounded, write(bounded, "tree", b"".join(entries)))
    work = reported(bounded)
    assert (work.kind, "a limit that no setting raises allows 33554432." in work.detail) == ("too-large", True)


def test_named_often(bounded: World) -> None:
    """One file of 1 MiB under 5,000 names: its size is asked for, and the disk spared."""
    blob = write(bounded, "blob", bytes(1 << 20))
    land(bounded, tree(bounded, *(("100644", f"{number:04}", blob) for number in range(5000))))
    assert "5000 MiB; the setting sync.most_size allows 2048 MiB." in reported(bounded).detail


def test_message(bounded: World) -> None:
    """A commit whose message has 5 MB lands; its subject is told in short."""
    land(bounded, nested(bounded, 1, 1))
    head = bounded.git(bounded.bare, "cat-file", "commit", "main").encode()
    bounded.git(bounded.bare, "update-ref", "refs/heads/main", write(bounded, "commit", head + b"x" * (5 << 20)))
    result = bounded.engine().sync(bounded.host, bounded.repository)
    assert [(len(commit.subject), commit.paths) for commit in result.received] == [(1000, ("z/000000",))]


def test_parents(bounded: World) -> None:
    """A merge of very many commits that are one."""
    land(bounded, nested(bounded, 1, 1))
    head = bounded.git(bounded.bare, "cat-file", "commit", "main").encode()
    line = next(line for line in head.splitlines() if line.startswith(b"parent "))
    many = head.replace(line, b"\n".join([line] * 40_000))
    bounded.git(bounded.bare, "update-ref", "refs/heads/main", write(bounded, "commit", many))
    assert bounded.engine().sync(bounded.host, bounded.repository).status is SyncStatus.RECEIVED


@deep(5)
def test_memory(bounded: World) -> None:
    """Where git itself meets the limit, the report says so."""
    bounded.host.prefix = ("prlimit", f"--data={64 << 20}:", "--")
    head = bounded.git(bounded.bare, "cat-file", "commit", "main").encode()
    bounded.git(bounded.bare, "update-ref", "refs/heads/main", write(bounded, "commit", head + b"x" * (80 << 20)))
    work = reported(bounded)
    assert (work.kind, "git needs more memory than the setting ssh.most_memory allows" in work.detail) == (
        "too-large",
        True,
    )


def test_manifests(bounded: World) -> None:
    """One that is too large is not read, and the others are; all together have a limit too."""
    engine = bounded.engine()
    large = write(bounded, "blob", bytes(11 << 20))
    put(
        bounded, tree(bounded, ("100644", "large.xml", large), ("100644", "small.xml", write(bounded, "blob", b"<a/>")))
    )
    engine.sync(bounded.host, bounded.repository)
    found = engine.read(bounded.host, bounded.repository, "HEAD")
    assert {path: content for path, (_, content) in found.items()} == {
        "large.xml": Oversized(11 << 20),
        "small.xml": b"<a/>",
    }
    fitting = write(bounded, "blob", bytes(8 << 20))
    put(bounded, tree(bounded, *(("100644", f"{number:04}.xml", fitting) for number in range(100))))
    engine.sync(bounded.host, bounded.repository)
    with pytest.raises(AttentionError, match=r"the 100 manifests of revision HEAD together: .* sync\.most_manifests"):
        engine.read(bounded.host, bounded.repository, "HEAD")


def test_clone(bounded: World) -> None:
    """A missing clone of it is not made, not even half."""
    land(bounded, nested(bounded, 10, 10))
    elsewhere = replace(bounded.repository, path="~/deployer/another")
    with pytest.raises(AttentionError, match=r"sync\.most_files"):
        bounded.engine().clone(bounded.host, elsewhere)
    assert [path.name for path in bounded.clone.parent.iterdir()] == [bounded.clone.name]
