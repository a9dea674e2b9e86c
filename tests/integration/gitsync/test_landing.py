"""Syncs that end well."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import CloneState, SyncStatus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.gitsync.conftest import World


def edited(manifest: str, number: int, text: str) -> str:
    """The manifest with one line changed."""
    return manifest.replace(f"line {number}\n", f"{text}\n")


def test_nothing_to_do_costs_one_call(world: World) -> None:
    """A clone that is in step is told so by one call, and is left as it was."""
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.IN_SYNC, result
    assert result.revision == world.tip() == result.after == result.before
    assert len(world.host.calls) == 1
    assert world.state() == before


def test_a_clone_knows_its_last_good_sync(world: World) -> None:
    """Whoever did it: it is written down on the host. None before the first, and a later one moves it on."""
    engine = world.engine()
    found = [engine.inspect(world.host, world.repository)]
    for _ in range(2):
        engine.sync(world.host, world.repository)
        found.append(engine.inspect(world.host, world.repository))

    none, first, second = (state.last_good for state in found if isinstance(state, CloneState))
    assert none is None
    assert first is not None
    assert second is not None
    assert first < second


def test_remote_commits_are_received(world: World, manifest: str) -> None:
    """Changes, additions and deletions of the remote reach index and work tree; git finds nothing to report."""
    files = {"viatris.xml": edited(manifest, 3, "ada"), "new/acme.xml": "new\n", "doc/notes.txt": None}
    world.commit(world.ada, files, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert result.after == world.tip() == world.git(world.clone, "rev-parse", "HEAD")
    assert world.git(world.clone, "status", "--porcelain=v2", "--branch").splitlines()[-1] == "# branch.ab +0 -0"
    assert (world.clone / "new/acme.xml").read_text() == "new\n"
    assert not (world.clone / "doc").exists()
    assert [commit.author for commit in result.received] == ["Ada <ada@example.org>"]


def test_a_file_takes_the_place_of_a_folder_with_empty_folders_in_it(world: World) -> None:
    """Git knows nothing of them: they go out of the way, and the file is there."""
    (world.clone / "doc/empty/deep").mkdir(parents=True)
    (world.clone / "doc/other").mkdir()
    world.commit(world.ada, {"doc/notes.txt": None})
    world.commit(world.ada, {"doc": "a file\n"}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert (world.clone / "doc").read_text() == "a file\n"
    assert world.git(world.clone, "status", "--porcelain") == ""


def test_a_file_and_a_submodule_take_turns(world: World) -> None:
    """The remote turns a file into a submodule, and that into a file again: git finds nothing to report either time."""
    link = f"160000,{world.tip()}"
    world.git(world.ada, "rm", "-q", "other.xml")
    for path in ("other.xml", "new/sub"):
        world.git(world.ada, "update-index", "--add", "--cacheinfo", f"{link},{path}")
    world.git(world.ada, "commit", "-q", "-m", "a submodule")
    world.git(world.ada, "push", "-q")
    first = world.engine().sync(world.host, world.repository)
    status = world.git(world.clone, "status", "--porcelain")
    world.git(world.ada, "rm", "-q", "--cached", "other.xml")
    world.git(world.ada, "update-index", "--cacheinfo", f"160000,{world.tip()},new/sub")
    world.commit(world.ada, {"other.xml": "a file\n"}, push=True)

    second = world.engine().sync(world.host, world.repository)

    assert (first.status, second.status) == (SyncStatus.RECEIVED, SyncStatus.RECEIVED), (first.manual, second.manual)
    assert (status, world.git(world.clone, "status", "--porcelain")) == ("", "")
    assert (world.clone / "other.xml").read_text() == "a file\n"


@pytest.mark.parametrize("path", ["viatris.xml", "new.xml", "doc"])
def test_what_is_written_while_files_move_stays_and_is_named(world: World, path: str) -> None:
    """Ben saves a file in the very moment in which the remote's is put there: his stays, and the result says so."""
    files: dict[str, str | None] = {"doc/notes.txt": None} if path == "doc" else {}
    world.commit(world.ada, {**files, "other.xml": "of ada\n"})
    world.commit(world.ada, {path: "of ada\n"}, push=True)
    mine = world.clone / ("doc/mine.txt" if path == "doc" else path)
    wrapper = world.root / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *checkout-index*) echo of ben >\'{mine}\';; esac\nexec {shutil.which("git")} "$@"\n'
    )
    wrapper.chmod(0o755)
    world.host.environment = {**world.environment, "PATH": f"{wrapper.parent}:{world.environment['PATH']}"}

    results = [world.engine().sync(world.host, world.repository) for _ in range(2)]

    assert [result.manual for result in results] == [None, None]
    assert [result.left for result in results] == [(path,), ()]
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert mine.read_text() == "of ben\n"
    assert (world.clone / "other.xml").read_text() == "of ada\n"


@pytest.mark.parametrize("text", ["notes\n", "of ben\n"])
def test_a_file_that_is_no_longer_tracked_stays(world: World, text: str) -> None:
    """Ben took it out of the index to have it as his own; the remote does so too: it is on his disk as he left it."""
    world.git(world.clone, "rm", "-q", "--cached", "doc/notes.txt")
    (world.clone / ".git/info/exclude").write_text("notes.txt\n")
    (world.clone / "doc/notes.txt").write_text(text)
    world.commit(world.ada, {"doc/notes.txt": None}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert (world.clone / "doc/notes.txt").read_text() == text
    assert world.git(world.clone, "status", "--porcelain") == ""


@pytest.mark.parametrize("is_named", [True, False])
def test_a_branch_that_stands_for_another_goes_on_doing_so(world: World, manifest: str, is_named: bool) -> None:  # noqa: FBT001
    """`main` is another name of `trunk`, whose commits land and which receives the remote's; undo as well."""
    world.git(world.clone, "branch", "-m", "main", "trunk")
    world.git(world.clone, "symbolic-ref", "refs/heads/main", "refs/heads/trunk")
    world.git(world.clone, "symbolic-ref", "HEAD", "refs/heads/main")
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, "ada's", push=True)
    repository = world.repository if is_named else replace(world.repository, branch="")

    result = world.engine().sync(world.host, repository)

    assert (result.status, result.branch) == (SyncStatus.LANDED, "trunk"), result.manual
    assert world.subjects() == ["ben's", "ada's", "first"]
    assert world.git(world.clone, "symbolic-ref", "--no-recurse", "HEAD") == "refs/heads/main"
    assert world.git(world.clone, "symbolic-ref", "refs/heads/main") == "refs/heads/trunk"
    assert world.git(world.clone, "rev-parse", "trunk") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""
    world.engine().undo(world.host, repository)
    assert world.git(world.clone, "symbolic-ref", "refs/heads/main") == "refs/heads/trunk"
    assert world.git(world.clone, "log", "-1", "--format=%s", "trunk") == "ben's"
    assert world.engine().sync(world.host, repository).status is SyncStatus.RECEIVED


def test_a_remote_branch_that_stands_for_another_is_left(world: World) -> None:
    """`origin/main` is a person's other name of something else: the sync does without it."""
    world.git(world.clone, "update-ref", "refs/remotes/origin/other", "HEAD")
    world.git(world.clone, "symbolic-ref", "refs/remotes/origin/main", "refs/remotes/origin/other")
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert world.git(world.clone, "symbolic-ref", "refs/remotes/origin/main") == "refs/remotes/origin/other"


def test_a_branch_that_stands_for_no_branch_is_reported(world: World) -> None:
    """Commits would go where no branch is: nothing is done, and the report names it."""
    world.git(world.clone, "symbolic-ref", "refs/heads/main", "refs/remotes/origin/main")
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.kind == "wrong-branch"
    assert "it stands for refs/remotes/origin/main" in result.manual.output
    assert world.state() == before


def test_local_commits_are_replayed(world: World, manifest: str) -> None:
    """A local commit lands on top of the remote's, with its author, date and message as they were."""
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    mine = world.commit(world.clone, {"viatris.xml": edited(manifest, 20, "ben"), "b.xml": "b\n"}, "ben's\n\nbody\n")
    wanted = world.git(world.clone, "show", "-s", "--format=%an %ae %ad %B", mine)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "ada"), 20, "ben")
    assert world.git(world.bare, "show", "-s", "--format=%an %ae %ad %B", "main") == wanted
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert [commit.subject for commit in result.landed] == ["ben's"]
    assert result.unlanded == ()


def merged_late(world: World, more: int) -> None:
    """An old side branch, merged when the remote has gone on by many commits since the clone was brought up to date."""
    world.git(world.ada, "checkout", "-q", "-b", "feature", "HEAD~2")
    world.commit(world.ada, {"feature.txt": "feature\n"}, "feature")
    world.git(world.ada, "checkout", "-q", "main")
    for number in range(more):
        world.git(world.ada, "commit", "-q", "--allow-empty", "-m", f"automation {number}")
    world.git(world.ada, "merge", "-q", "--no-edit", "feature")
    world.git(world.ada, "push", "-q", "origin", "main")


@pytest.mark.parametrize("later", ["back", "on"])
def test_what_the_remote_has_is_not_landed_again(world: World, manifest: str, later: str) -> None:
    """However it got there: neither is what it took back put on it again, nor is there a conflict with what it has."""
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "mistaken")}, "mistaken", push=True)
    world.engine().sync(world.host, world.repository)
    wanted = manifest if later == "back" else edited(manifest, 3, "better")
    world.commit(world.ada, {"viatris.xml": wanted}, later)
    merged_late(world, 55)
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert [commit.subject for commit in result.landed] == ["ben's"]
    assert world.at_tip("viatris.xml") + "\n" == wanted
    assert world.subjects().count("mistaken") == 1


def odd(world: World, where: Path, old: str, new: str) -> None:
    """The last commit with something else in its header."""
    raw = world.git(where, "cat-file", "commit", "HEAD") + "\n"
    (world.root / "commit").write_text(re.sub(old, new, raw, count=1, flags=re.MULTILINE))
    oid = world.git(where, "hash-object", "-t", "commit", "-w", str(world.root / "commit"))
    world.git(where, "update-ref", "HEAD", oid)


@pytest.mark.parametrize("side", ["remote", "clone"])
def test_a_time_zone_that_is_none(world: World, side: str) -> None:
    """A commit of a broken program is told as git tells it, and goes its way as any other."""
    where = world.ada if side == "remote" else world.clone
    world.commit(where, {"a.xml": "a\n"}, "odd")
    odd(world, where, r"^(author .*) [+-]\d+$", r"\1 +2400")
    if side == "remote":
        world.git(world.ada, "push", "-q", "origin", "main")
        world.commit(world.clone, {"b.xml": "b\n"})
    else:
        world.commit(world.ada, {"b.xml": "b\n"}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    (told,) = (commit for commit in (*result.received, *result.landed) if commit.subject == "odd")
    assert told.date.endswith("+24:00")
    assert told.paths == ("a.xml",)
    assert "+2400" in world.git(world.bare, "log", "--format=%ad", "main")


@pytest.mark.parametrize("zone", ["-0330", "+0545"])
def test_times_are_told_with_their_zone(world: World, zone: str) -> None:
    """As git tells them: minutes belong to the zone, and west is not east."""
    world.environment["GIT_AUTHOR_DATE"] = f"2026-11-20T10:00:00 {zone}"
    world.commit(world.ada, {"a.xml": "a\n"}, "ada's", push=True)
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")

    result = world.engine().sync(world.host, world.repository)

    dates = {commit.subject: commit.date for commit in (*result.received, *result.landed)}
    assert dates == dict.fromkeys(("ada's", "ben's"), f"2026-11-20T10:00:00{zone[:3]}:{zone[3:]}")


def test_tags_of_people_stay_at_home(world: World) -> None:
    """A sync pushes its branch and nothing else, whatever Ben's settings say of his own pushes."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.git(world.clone, "tag", "-a", "-m", "of ben", "of-ben")
    world.git(world.clone, "config", "--global", "push.followTags", "true")

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.git(world.bare, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


@pytest.mark.parametrize("spelled", ["{stem}", "{stem}.git/", "file://{stem}.git", "file://{stem}/"])
def test_a_remote_that_is_spelled_otherwise_is_the_same(world: World, spelled: str) -> None:
    """The inventory and the clone need not agree on `.git`, a slash at the end, or `file://`."""
    stem = str(world.bare).removesuffix(".git")

    result = world.engine().sync(world.host, replace(world.repository, remote=spelled.format(stem=stem)))

    assert result.status is SyncStatus.IN_SYNC, result.manual


def test_a_clone_that_pushes_elsewhere_is_reported(world: World) -> None:
    """It fetches from the right remote, but commits of automation would go to another one."""
    elsewhere = world.root / "elsewhere.git"
    world.git(world.root, "init", "-q", "--bare", str(elsewhere))
    world.git(world.clone, "config", "remote.origin.pushurl", str(elsewhere))
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.kind == "other-remote"
    assert world.git(elsewhere, "for-each-ref") == ""
    assert world.state() == before


def test_control_characters_in_a_subject(world: World) -> None:
    """They are told as they are; no commit is taken for two, and no file for a subject."""
    subject = "odd \x01subject\x02 of\x1f ada"
    world.commit(world.ada, {"a.xml": "a\n", "b\x01c": "b\n"}, subject)
    world.git(world.ada, "checkout", "-q", "-b", "side", "HEAD~1")
    world.commit(world.ada, {"side.xml": "side\n"}, "side")
    world.git(world.ada, "checkout", "-q", "main")
    world.git(world.ada, "merge", "-q", "--no-edit", "side")  # what has merges is told by git's own log
    world.git(world.ada, "push", "-q", "origin", "main")

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    told = {commit.subject: commit.paths for commit in result.received}
    assert told == {subject: ("a.xml", "b\x01c"), "side": ("side.xml",), "Merge branch 'side'": ("side.xml",)}


def test_change_of_automation_lands(world: World, manifest: str) -> None:
    """Automation's edit lands beside a person's of the same file, and never shows in index or work tree before."""
    change = world.change(edited(manifest, 20, "automation"))
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)

    result = world.engine().sync(world.host, world.repository, change)

    assert result.status is SyncStatus.LANDED, result.manual
    assert result.change == world.tip() == result.after
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "ada"), 20, "automation")
    said = world.git(world.bare, "show", "-s", "--format=%an <%ae>|%s", "main")
    assert said == f"prod-deployer <deployer@example.org>|{change.message}"
