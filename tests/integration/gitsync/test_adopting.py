"""What the remote has comes into the clone: checked before the first file moves, and told to git as git would."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def once(script: str) -> str:
    """A hook's script that runs the first time only."""
    return f'[ -e "$0.ran" ] && exit 0\ntouch "$0.ran"\n{script}\n'


def bound_by_modes(world: World) -> None:
    """The program runs as somebody whom modes of files bind: root without that privilege, or anybody else."""
    if os.geteuid() == 0:
        without = "-dac_override,-dac_read_search,-fowner"
        world.host.prefix = ("setpriv", f"--bounding-set={without}", f"--inh-caps={without}", "--")


@pytest.mark.parametrize("path", ["doc/notes.txt", "doc/new.txt", "doc/new/deep.txt"])
def test_a_folder_that_takes_no_files_is_found_before_any_file_moves(world: World, path: str) -> None:
    """Nothing of the clone changes, also of the files that could be written; the report names the folder."""
    world.commit(world.ada, {"a.xml": "of ada\n", path: "of ada\n"}, push=True)
    (world.clone / "doc").chmod(0o555)
    bound_by_modes(world)
    before = world.state()

    result = world.engine().sync(world.host, world.repository)
    after = world.state()
    (world.clone / "doc").chmod(0o755)

    assert result.manual is not None
    assert (result.status, result.manual.kind) == (SyncStatus.MANUAL, "permission")
    assert result.manual.paths == (os.path.dirname(path),)  # noqa: PTH120  a path of git
    assert result.manual.line.endswith(f"Command ls -ld '{world.clone / 'doc'}' on fra1-prod-dep01 failed")
    assert after == before
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.RECEIVED
    assert world.git(world.clone, "status", "--porcelain") == ""


def test_a_link_comes_as_a_link(world: World) -> None:
    """Wherever it leads, and also where that is nowhere."""
    (world.ada / "current.xml").symlink_to("viatris.xml")
    (world.ada / "gone.xml").symlink_to("nowhere.xml")
    world.git(world.ada, "add", "--", "current.xml", "gone.xml")
    world.commit(world.ada, {"new.xml": "n\n"}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    links = {name: str((world.clone / name).readlink()) for name in ("current.xml", "gone.xml")}
    assert links == {"current.xml": "viatris.xml", "gone.xml": "nowhere.xml"}
    assert world.git(world.clone, "status", "--porcelain") == ""


def test_people_find_their_way_back_in_the_reflog(world: World) -> None:
    """`git reflog` and `HEAD@{1}` know of a sync and of an undo as of anything that moves a branch."""
    before = world.git(world.clone, "rev-parse", "HEAD")
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    logs = {
        ref: world.git(world.clone, "reflog", "show", "--format=%H %gs", ref).splitlines() for ref in ("HEAD", "main")
    }
    then = world.git(world.clone, "rev-parse", "HEAD@{1}")
    world.engine().undo(world.host, world.repository)

    assert then == before
    for log in logs.values():
        assert log[0] == f"{world.tip()} deployer: sync"
        assert log[1].startswith(before)
    assert world.git(world.clone, "rev-parse", "HEAD", "HEAD@{1}").splitlines() == [before, world.tip()]


def test_origin_main_never_goes_back(world: World) -> None:
    """Ben fetches Ada's newest commit while the clone is brought to an older one: he is told that he is behind."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {"other.xml": "of ada\n"}, "ada's", push=True)
    newest = "git pull -q && git commit -q --allow-empty -m newest && git push -q"
    world.hook("post-receive", once(f"(cd '{world.ada}' && {newest}) && git -C '{world.clone}' fetch -q"))

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.subjects() == ["newest", "ben's", "ada's", "first"]
    assert world.git(world.clone, "rev-parse", "origin/main") == world.tip() != result.after
    assert world.git(world.clone, "status", "--porcelain=v2", "--branch").splitlines()[-1] == "# branch.ab +0 -1"
