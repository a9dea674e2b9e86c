"""Situations: what the server of the remote does, or what somebody did to it. By its path: no line in between."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.integration.gitsync.faults.scene import Scene, once
from tests.integration.gitsync.faults.servers import Tmpfs
from tests.integration.gitsync.faults.situation import Situation
from tests.integration.gitsync.faults.state import emptied, fill_bytes

NESTED = '[ -n "$NESTED" ] && exit 0\nNESTED=1; export NESTED\n'


def hooked(name: str, script: str) -> Callable[[Scene], None]:
    """The server has a hook."""

    def make(scene: Scene) -> None:
        scene.hook(name, script.replace("{ada}", f"'{scene.ada}'").replace("{bare}", f"'{scene.bare}'"))

    return make


def unhooked(scene: Scene) -> None:
    """It has none any more."""
    for path in (scene.bare / "hooks").iterdir():
        if not path.name.endswith(".sample"):
            path.unlink()


def ada_ready(scene: Scene) -> None:
    """Ada has a commit that she has not pushed."""
    scene.commit(scene.ada, {"c.xml": "of ada\n"}, "ada's next")


def lost_before(scene: Scene) -> None:
    """She pushes while the server looks at our push: git on the server sees that the branch moved."""
    ada_ready(scene)
    hooked("pre-receive", once("git -C {ada} push -q {bare} HEAD:main"))(scene)


def lost_inside(scene: Scene) -> None:
    """The same at the last instant: in the hook of the branch."""
    ada_ready(scene)
    hooked("update", once("git -C {ada} push -q {bare} HEAD:main"))(scene)


def always_lost(scene: Scene) -> None:
    """Somebody is always first."""
    scene.settings = scene.settings.model_copy(update={"attempts": 3})
    race = "git -C {ada} commit -q --allow-empty -m again && git -C {ada} push -q {bare} HEAD:main"
    hooked("pre-receive", NESTED + race)(scene)


def ref_locked(scene: Scene) -> None:
    """The server's ref is locked, and is free when we have waited twice."""
    lock = scene.bare / "refs" / "heads" / "main.lock"
    lock.touch()
    scene.when_waiting.extend((lambda: None, lock.unlink))


def ref_locked_for_ever(scene: Scene) -> None:
    """A lock that a killed git left there."""
    (scene.bare / "refs" / "heads" / "main.lock").touch()


def ref_free(scene: Scene) -> None:
    """The server's people remove it."""
    (scene.bare / "refs" / "heads" / "main.lock").unlink()


def configured(*settings: str) -> Callable[[Scene], None]:
    """The server has a setting."""

    def make(scene: Scene) -> None:
        for setting in settings:
            scene.git(scene.bare, "config", *setting.split("=", 1))

    return make


def reset(*names: str) -> Callable[[Scene], None]:
    """It has not."""

    def mend(scene: Scene) -> None:
        for name in names:
            scene.git(scene.bare, "config", "--unset-all", name)

    return mend


def too_large(scene: Scene) -> None:
    """A file that the server does not take, as it says by itself."""
    large = "".join(f"{number * 7919}\n" for number in range(20000))
    scene.commit(scene.clone, {"large.txt": large}, "ben's large file")
    configured("receive.maxInputSize=20000")(scene)


def odd_object(scene: Scene) -> None:
    """A commit with a date that no git writes; the server checks what it gets."""
    tree = scene.git(scene.clone, "rev-parse", "HEAD^{tree}")
    data = f"tree {tree}\nparent {scene.git(scene.clone, 'rev-parse', 'HEAD')}\n"
    data += "author Ben <ben@example.org> 0099 +0000\ncommitter Ben <ben@example.org> 99 +0000\n\nodd\n"
    made = subprocess.run(
        ["git", "-C", scene.clone, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=data.encode(), capture_output=True, check=True, env=scene.environment,
    )  # fmt: skip
    scene.git(scene.clone, "update-ref", "refs/heads/main", made.stdout.decode().strip())
    configured("receive.fsckObjects=true")(scene)


def written_anew(scene: Scene) -> None:
    """Ben commits it again, with a git that writes dates as they should be."""
    scene.git(scene.clone, "commit", "-q", "--amend", "--no-edit", "--allow-empty", "--reset-author")


def lock_while_pushing(scene: Scene) -> None:
    """Somebody locks the branch of the clone after the sync has looked for locks."""
    lock = scene.clone / ".git" / "refs" / "heads" / "main.lock"
    hooked("post-receive", once(f"touch '{lock}'"))(scene)
    scene.when_waiting.append(lock.unlink)


def checked_out(scene: Scene) -> None:
    """The remote is somebody's work tree, with the branch checked out."""
    work = scene.root / "work"
    work.mkdir()
    configured("core.bare=false", f"core.worktree={work}", "receive.denyCurrentBranch=refuse")(scene)


def not_checked_out(scene: Scene) -> None:
    """It is a bare one again."""
    reset("core.worktree", "receive.denyCurrentBranch")(scene)
    configured("core.bare=true")(scene)


def signed_only(scene: Scene) -> None:
    """The server takes signed pushes only."""
    configured("receive.certNonceSeed=seed")(scene)
    hooked("pre-receive", '[ "$GIT_PUSH_CERT_STATUS" = G ] || { echo "sign your pushes" >&2; exit 1; }')(scene)


def moved_away(scene: Scene) -> None:
    """The remote is gone."""
    scene.bare.rename(scene.root / "away")


def brought_back(scene: Scene) -> None:
    """It is there again."""
    (scene.root / "away").rename(scene.bare)


def no_repository(scene: Scene) -> None:
    """Something else is where the remote was."""
    moved_away(scene)
    scene.bare.mkdir()
    (scene.bare / "index.html").write_text("moved\n")


def a_repository_again(scene: Scene) -> None:
    """The repository is back."""
    (scene.bare / "index.html").unlink()
    scene.bare.rmdir()
    brought_back(scene)


def branch_deleted(scene: Scene) -> None:
    """The branch is deleted there."""
    scene.git(scene.bare, "update-ref", "-d", "refs/heads/main")


def branch_back(scene: Scene) -> None:
    """Ada pushes it again."""
    scene.git(scene.ada, "push", "-q", "origin", "main")


def branch_renamed(scene: Scene) -> None:
    """The branch gets a name below its old one, there, here and in the inventory: a folder where there was a file."""
    scene.sync()
    for where in (scene.bare, scene.clone):
        scene.git(where, "branch", "-m", "main", "main/1")
    scene.git(scene.clone, "update-ref", "-d", "refs/remotes/origin/main")
    scene.branch = "main/1"
    scene.commit(scene.clone, {"c.xml": "of ben\n"}, "ben's next")


def tag_moved(scene: Scene) -> None:
    """A tag that the clone has stands elsewhere on the remote."""
    scene.git(scene.clone, "tag", "v1")
    scene.git(scene.ada, "tag", "v1")
    scene.git(scene.ada, "push", "-q", "--tags")


def rewritten(scene: Scene) -> None:
    """History that the clone has is rewritten there."""
    scene.sync()
    scene.git(scene.ada, "pull", "-q")
    scene.git(scene.ada, "commit", "-q", "--amend", "-m", "other words")
    scene.git(scene.ada, "push", "-q", "--force", "origin", "main")


def put_back(scene: Scene) -> None:
    """Whoever did it sees it and puts the old history back: then nothing is lost."""
    scene.git(scene.ada, "reset", "-q", "--hard", "HEAD@{1}")
    scene.git(scene.ada, "push", "-q", "--force", "origin", "main")


def rewritten_beyond(scene: Scene) -> None:
    """History is rewritten that was seen from here, but that the clone does not have."""
    scene.commit(scene.ada, {"c.xml": "c\n"}, "a mistake", push=True)
    scene.made_engine().inspect(scene.host, scene.repository)
    scene.git(scene.ada, "reset", "-q", "--hard", "HEAD~1")
    scene.commit(scene.ada, {"c.xml": "better\n"}, "no mistake")
    scene.git(scene.ada, "push", "-q", "--force", "origin", "main")


def started_over(scene: Scene) -> None:
    """The remote has another history altogether."""
    scene.git(scene.bare, "update-ref", "refs/heads/before", "main")
    scene.git(scene.bare, "update-ref", "-d", "refs/heads/main")
    scene.git(scene.ada, "checkout", "-q", "--orphan", "new")
    scene.git(scene.ada, "commit", "-q", "-m", "new start")
    scene.git(scene.ada, "push", "-q", "origin", "new:main")


def as_before(scene: Scene) -> None:
    """The old history is the branch again."""
    scene.git(scene.bare, "update-ref", "refs/heads/main", "refs/heads/before")
    scene.git(scene.bare, "update-ref", "-d", "refs/heads/before")


def full(scene: Scene) -> None:
    """The server's disk is full."""
    aside = scene.bare.with_name("aside")
    scene.bare.rename(aside)
    scene.bare.mkdir()
    disk = Tmpfs(scene.bare, "size=1m")
    scene.undo.append(disk.unmount)
    subprocess.run(["cp", "-a", f"{aside}/.", scene.bare], check=True)
    fill_bytes(scene.bare / "filler")


def has_room(scene: Scene) -> None:
    """The server's people make room."""
    (scene.bare / "filler").unlink()


def broken_there(scene: Scene) -> None:
    """A power cut on the server left its newest commit empty; a copy is kept."""
    oid = scene.tip()
    path = scene.bare / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    (scene.root / "kept-object").write_bytes(path.read_bytes())
    path.write_bytes(emptied(path.read_bytes()))


def whole_there(scene: Scene) -> None:
    """The server's people have a backup."""
    oid = scene.git(scene.ada, "rev-parse", "HEAD")
    (scene.bare / "objects" / oid[:2] / oid[2:]).write_bytes((scene.root / "kept-object").read_bytes())


def bad_config_there(scene: Scene) -> None:
    """The server's configuration cannot be read."""
    with (scene.bare / "config").open("a") as stream:
        stream.write("[receive\n")


def good_config_there(scene: Scene) -> None:
    """It can."""
    path = scene.bare / "config"
    path.write_text(path.read_text().removesuffix("[receive\n"))


LATER = "nothing changes, left for later"
REFUSED = "the change did not land; report with the server's words"
PUSH = "git push -q "


def too_deep(scene: Scene) -> None:
    """Ada pushes a file in a folder of a folder of a folder."""
    scene.commit(scene.ada, {f"{'d/' * (scene.settings.most_depth + 1)}acme.xml": "of ada\n"}, "ada's line", push=True)


def taken_back(scene: Scene) -> None:
    """Ada takes hers back."""
    scene.git(scene.ada, "revert", "--no-edit", "HEAD")
    scene.git(scene.ada, "push", "-q")


SITUATIONS = (
    Situation(
        name="somebody pushed more than the limits allow", make=too_deep, mend=taken_back, change=True,
        tries=("too-large",), command="git ", then="nothing of it is looked at; report",
    ),
    Situation(
        name="somebody lands while we push", make=lost_before, change=True, tries=("lost-race", ""),
        then="fetched and merged anew, then lands",
    ),
    Situation(
        name="somebody lands in the instant in which the server takes our push", make=lost_inside, change=True,
        tries=("lost-race", ""), then="fetched and merged anew, then lands", is_deep=True,
    ),
    Situation(
        name="somebody always lands first", make=always_lost, mend=unhooked, change=True, tries=("lost-race",) * 3,
        then="as often as sync.attempts says; " + LATER,
    ),
    Situation(
        name="the server's ref is locked for a while", make=ref_locked, change=True,
        tries=("server-lock", "server-lock", ""), then="then lands", is_deep=True,
    ),
    Situation(
        name="the server's ref is locked for ever", make=ref_locked_for_ever, mend=ref_free, change=True,
        tries=("server-lock",) * 5, ends="stale-server-lock", command=PUSH, then=REFUSED,
    ),
    Situation(
        name="a pre-receive hook refuses", make=hooked("pre-receive", "echo 'no pushes on Fridays' >&2; exit 1"),
        mend=unhooked, change=True, tries=("server-refused",), command=PUSH, then=REFUSED,
    ),
    Situation(
        name="an update hook refuses: the branch is protected",
        make=hooked("update", "echo 'GH006: Protected branch update failed for $1' >&2; exit 1"), mend=unhooked,
        change=True, tries=("server-refused",), command=PUSH, then=REFUSED, is_deep=True,
    ),
    Situation(
        name="a post-receive hook fails", make=hooked("post-receive", "exit 1"), change=True, tries=("",),
        then="lands: the commit is there", is_deep=True,
    ),
    Situation(
        name="a pre-receive hook hangs", make=hooked("pre-receive", "exec sleep 600"), mend=unhooked, change=True,
        seconds=1.5, tries=("timeout",), lasts=True, then="git is ended at the deadline; " + LATER,
    ),
    Situation(
        name="a post-receive hook hangs", make=hooked("post-receive", "exec sleep 600"), mend=unhooked, change=True,
        seconds=1.5, tries=("",), then="git is ended at the deadline, and is found to have landed", is_deep=True,
    ),
    Situation(
        name="the server's git dies before it takes the push", make=hooked("pre-receive", once("kill -9 $PPID")),
        change=True, tries=("network", ""), then="not there: sent again, lands once", is_deep=True,
    ),
    Situation(
        name="the server's git dies after it took the push", make=hooked("post-receive", once("kill -9 $PPID")),
        change=True, tries=("",), then="there: it is looked for, and not sent again",
    ),
    Situation(
        name="the server refuses a ref transaction",
        make=hooked("reference-transaction", '[ "$1" != prepared ] || exit 1'), mend=unhooked, change=True,
        tries=("network",) * 3, ends="git-failed", command=PUSH, is_deep=True,
        then="its git dies; the remote answers, so it is not the network: the change did not land; report",
    ),
    Situation(
        name="a file too large for the server", make=too_large, mend=reset("receive.maxInputSize"),
        tries=("server-refused",), command=PUSH, then="nothing lands; report with the server's words", is_deep=True,
    ),
    Situation(
        name="an object that the server does not take", make=odd_object,
        tries=("server-refused",), command=PUSH, then="nothing lands; report with the server's words", is_deep=True,
        mend=written_anew, edits="untracked", rewrites=True,
    ),
    Situation(
        name="the remote has the branch checked out", make=checked_out, mend=not_checked_out, change=True,
        tries=("server-refused",), command=PUSH, then=REFUSED, is_deep=True,
    ),
    Situation(
        name="the branch is hidden from pushes",
        make=configured("receive.hideRefs=refs/heads/main"), mend=reset("receive.hideRefs"), change=True,
        tries=("server-refused",), command=PUSH, then=REFUSED, is_deep=True,
    ),
    Situation(
        name="the server takes signed pushes only", make=signed_only, mend=unhooked, change=True,
        tries=("server-refused",), command=PUSH, then=REFUSED, is_deep=True,
    ),
    Situation(
        name="the remote is gone", make=moved_away, mend=brought_back, change=True, tries=("remote-gone",),
        command="git fetch ", then="the change did not land; report",
    ),
    Situation(
        name="the remote is no repository any more", make=no_repository, mend=a_repository_again, change=True,
        tries=("remote-gone",), command="git fetch ", then="the change did not land; report", is_deep=True,
    ),
    Situation(
        name="the remote's branch was deleted", make=branch_deleted, mend=branch_back, change=True,
        tries=("branch-gone",), command="git fetch ",
        then="never made again by us: the change did not land; report",
    ),
    Situation(
        name="the branch was renamed from main to main/1", make=branch_renamed, change=True, edits="untracked",
        tries=("",), then="our private ref of the old name makes way; lands", is_deep=True,
    ),
    Situation(
        name="a tag stands elsewhere on the remote", make=tag_moved, change=True, tries=("",),
        then="tags are not looked at; lands", is_deep=True,
    ),
    Situation(
        name="the server denies what is no fast-forward", make=configured("receive.denyNonFastForwards=true"),
        change=True, tries=("",), then="nothing else is ever pushed; lands", is_deep=True,
    ),
    Situation(
        name="the remote's history was rewritten", make=rewritten, mend=put_back, change=True,
        tries=("force-pushed",), command="git fetch ", rewrites=True,
        then="nothing is dropped: the change did not land; report with what is gone",
    ),
    Situation(
        name="history was rewritten that the clone does not have", make=rewritten_beyond, change=True, tries=("",),
        then="nothing of the clone is lost by it: lands", is_deep=True,
    ),
    Situation(
        name="the remote began anew", make=started_over, mend=as_before, change=True, tries=("unrelated-history",),
        command="git fetch ", rewrites=True, then="the change did not land; report",
    ),
    Situation(
        name="the server's disk is full", make=full, mend=has_room, change=True, tries=("server-refused",),
        command=PUSH, then=REFUSED, needs_root=True, is_deep=True,
    ),
    Situation(
        name="a commit on the server is broken", make=broken_there, mend=whole_there, change=True,
        tries=("network",) * 3, ends="git-failed", command="git fetch ",
        then="the remote answers, so it is not the network: the change did not land; report", is_deep=True,
    ),
    Situation(
        name="the server's configuration cannot be read", make=bad_config_there, mend=good_config_there, change=True,
        tries=("remote-gone",), command="git fetch ", then="the change did not land; report", is_deep=True,
    ),
    Situation(
        name="the branch's lock is taken while we push", make=lock_while_pushing, change=True, tries=("lock", ""),
        then="lands; adopted when the lock is free, and not before", is_deep=True,
    ),
)  # fmt: skip
