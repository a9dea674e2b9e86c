"""The commands that mend each class of failure, for a person to paste on the deployer host.

None of them throws away what a person made: what has to go out of the way is kept under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deployer.model.command import Assigned, Command, File, Open, Operand, Pathspec, Place, Sign, Word
from deployer.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Situation:
    """What the commands depend on."""

    path: str
    """Of the clone, as a person types it."""
    branch: str
    upstream: str
    remote: str
    """Name of the remote: `origin`."""
    url: str
    head: str
    paths: tuple[str, ...]
    is_change: bool
    """Whether automation's own change is what could not land (nothing of the clone is in the way)."""
    facts: JsonObject = field(default_factory=dict)

    def fact(self, name: str) -> str:
        """One of the facts as text."""
        value = self.facts.get(name)
        return "" if value is None else str(value)

    def names(self, name: str) -> list[str]:
        """One of the facts as a list of paths."""
        value = self.facts.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []

    @property
    def source(self) -> Operand:
        """The remote; by its URL where its name would be taken for an option."""
        return Operand(self.url if self.remote.startswith("-") and self.url else self.remote)

    @property
    def target(self) -> str:
        """The branch on the remote, in full: a tag of the same name is another, and no name is an option or a `+`."""
        return f"refs/heads/{self.upstream}"

    @property
    def files(self) -> tuple[File, ...]:
        """The files, for programs that take paths."""
        return tuple(File(path) for path in self.paths)

    @property
    def pathspecs(self) -> tuple[Pathspec, ...]:
        """The files, for git behind `--`."""
        return tuple(Pathspec(path) for path in self.paths)


FLAGS = ("assume-unchanged", "skip-worktree")
"""Flags of the index that hide edits from git."""
STATUS: Command = ("git", "status")


def commands(kind: str, situation: Situation) -> tuple[Command, ...]:
    """The commands for a class of failure, in order; `cd` first where there is a clone to go to."""
    return _MENDS.get(kind, _look)(situation)


def _in_clone(situation: Situation, *lines: Command) -> tuple[Command, ...]:
    return (("cd", Place(situation.path)), *lines)


def _look(at: Situation) -> tuple[Command, ...]:
    return _in_clone(at, STATUS)


def _conflict(at: Situation) -> tuple[Command, ...]:
    if at.is_change:
        return _in_clone(at, ("git", "log", "-p", "-3", f"refs/deployer/remote/{at.upstream}", "--", *at.pathspecs))
    # Pasted as it stands it must not land marks that nobody solved: with them git refuses to commit, and the push.
    unsolved: Command = ("grep", "-n", r"^[<>]\{7\} ", "--", *at.files)
    return _in_clone(
        at,
        ("git", "pull", "--no-rebase", at.source, at.target),
        (Open.EDITOR, *at.files),
        (*unsolved, Sign.OR, "git", "add", "--", *at.pathspecs),
        ("git", "commit", "--no-edit"),
        _pushed(at),
    )


def _pushed(at: Situation) -> Command:
    return ("git", "push", at.source, f"HEAD:{at.target}")


def _dirty(at: Situation) -> tuple[Command, ...]:
    return _in_clone(
        at,
        ("git", "diff", "HEAD", "--", *at.pathspecs),
        *_unflagged(at.names("flagged")),
        *(("mv", "-n", "--", File(path), File(f"{path}.mine")) for path in at.names("untracked")),
        ("git", "pull", "--rebase", "--autostash", at.source, at.target),
        STATUS,
    )


def _unflagged(paths: Sequence[str]) -> Iterator[Command]:
    """One option at a time: git takes both, and obeys the last one only."""
    for flag in FLAGS if paths else ():
        yield ("git", "update-index", f"--no-{flag}", "--", *(File(path) for path in paths))


def _going_on(*command: Word) -> Callable[[Situation], tuple[Command, ...]]:
    return lambda at: _in_clone(at, STATUS, command)


def _switched(branch: str) -> Command:
    # Behind `--` are paths, and there are none: a file of the same name is not meant.
    return ("git", "checkout", Operand(branch), "--")


def _detached(at: Situation) -> tuple[Command, ...]:
    branch = at.fact("wanted") or at.branch or "main"
    kept = f"found-{at.fact('at')[:12]}"
    return _in_clone(at, ("git", "branch", kept), _switched(branch), ("git", "merge", kept))


def _wrong_branch(at: Situation) -> tuple[Command, ...]:
    return _in_clone(at, STATUS, _switched(at.fact("wanted")))


def _other_remote(at: Situation) -> tuple[Command, ...]:
    name, url = at.fact("remote") or "origin", at.fact("wanted")
    return _in_clone(at, ("git", "remote", "-v"), ("git", "remote", "set-url", "--", name, Operand(url)))


def _no_remote(at: Situation) -> tuple[Command, ...]:
    return _in_clone(at, ("git", "remote", "add", "origin", Operand(at.url or at.fact("wanted") or "URL")))


def _missing(at: Situation) -> tuple[Command, ...]:
    branch = (f"--branch={at.branch}",) if at.branch else ()
    return (("git", "clone", *branch, "--", Operand(at.url or "URL"), Place(at.path)),)


def _not_a_repository(at: Situation) -> tuple[Command, ...]:
    if at.fact("work_tree"):
        asked: Command = ("git", "config", "--show-origin", "core.worktree")
        return _in_clone(at, asked, ("git", "config", "--local", "--unset", "core.worktree"))
    if at.facts.get("empty"):
        return _missing(at)
    aside: Command = ("mv", "-n", "--", Place(at.path), Place(f"{at.path}.before-deployer"))
    return (*_listed(at), aside, *_missing(at))


def _listed(at: Situation) -> tuple[Command, ...]:
    return (("ls", "-la", "--", Place(at.path)),)


def _empty_ref(at: Situation) -> tuple[Command, ...]:
    ref = at.fact("ref")
    file = File(f".git/{ref}")
    if ref == "HEAD":
        return _in_clone(at, ("echo", f"ref: refs/heads/{at.branch or 'main'}", Sign.INTO, file), STATUS)
    if not at.fact("last") and ref.startswith("refs/remotes/"):
        return _in_clone(at, ("mv", "--", file, ".git/broken-ref"), ("git", "fetch", at.source))
    return _in_clone(at, ("echo", at.fact("last") or "OBJECT-ID", Sign.INTO, file), STATUS)


def _index(at: Situation) -> tuple[Command, ...]:
    index = ".git/index"
    aside: Command = ("test", "!", "-e", index, Sign.OR, "mv", index, f"{index}.broken")
    return _in_clone(at, aside, ("git", "read-tree", "HEAD"), STATUS)


def _stale_lock(at: Situation) -> tuple[Command, ...]:
    return (
        ("ls", "-l", "--", *at.files),
        # fuser has no `--`; its files begin with no dash.
        ("fuser", "-v", *at.files, Sign.OR, "rm", "-i", "--", *at.files),
    )


def _force_pushed(at: Situation) -> tuple[Command, ...]:
    remote = at.fact("remote")[:12]
    return _in_clone(
        at,
        ("git", "log", "--oneline", Operand(f"{remote}..refs/heads/{at.branch}"), "--"),
        ("git", "branch", f"before-rewrite-{at.head[:12]}"),
        ("git", "reset", "--keep", Operand(remote)),
    )


def _too_large(at: Situation) -> tuple[Command, ...]:
    fetched = Operand(f"refs/deployer/remote/{at.upstream}")
    return _in_clone(at, ("git", "log", "-5", "--format=%h %an %ad %s", fetched, "--"))


def _unrelated(at: Situation) -> tuple[Command, ...]:
    theirs: Command = ("git", "log", "--oneline", "-5", Operand(at.fact("remote")[:12]), "--")
    return _in_clone(at, ("git", "remote", "-v"), theirs)


def _try(at: Situation) -> tuple[Command, ...]:
    return _in_clone(at, ("git", "ls-remote", at.source, at.target))


def _push(at: Situation) -> tuple[Command, ...]:
    return _in_clone(at, _pushed(at))


def _identity(_at: Situation) -> tuple[Command, ...]:
    return (("git", "config", "--global", "user.name", "NAME"), ("git", "config", "--global", "user.email", "MAIL"))


def _owned(at: Situation) -> tuple[Command, ...]:
    return (("ls", "-ld", "--", Place(at.path)), ("id",))


def _room(at: Situation) -> tuple[Command, ...]:
    return (("df", "-h", "--", Place(at.path)), ("df", "-i", "--", Place(at.path)))


_UNASKED = Assigned("GIT_EDITOR", "true")
_MENDS: Mapping[str, Callable[[Situation], tuple[Command, ...]]] = {
    "conflict": _conflict,
    "dirty-overlap": _dirty,
    "unmerged": _going_on("git", "diff"),
    "rebase-in-progress": _going_on(_UNASKED, "git", "rebase", "--continue"),
    "merge-in-progress": _going_on("git", "commit", "--no-edit"),
    "cherry-pick-in-progress": _going_on(_UNASKED, "git", "cherry-pick", "--continue"),
    "revert-in-progress": _going_on(_UNASKED, "git", "revert", "--continue"),
    "bisect-in-progress": _going_on("git", "bisect", "reset"),
    "am-in-progress": _going_on("git", "am", "--continue"),
    "detached": _detached,
    "wrong-branch": _wrong_branch,
    "other-remote": _other_remote,
    "no-remote": _no_remote,
    "missing": _missing,
    "not-a-repository": _not_a_repository,
    "exists": _listed,
    "empty-ref": _empty_ref,
    "index-missing": _index,
    "index-corrupt": _index,
    "stale-lock": _stale_lock,
    "force-pushed": _force_pushed,
    "unrelated-history": _unrelated,
    "branch-gone": _push,
    "remote-gone": _try,
    "auth": _try,
    "host-key": _try,
    "server-refused": _push,
    "stale-server-lock": _push,
    "push-hook": _push,
    "too-large": _too_large,
    "identity": _identity,
    "ownership": _owned,
    "permission": lambda at: (*_listed(at), ("id",)),
    "disk-full": _room,
    "no-git": lambda _at: (("git", "--version"),),
}
