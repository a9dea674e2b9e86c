"""The commands that mend each class of failure, for a person to paste on the deployer host.

None of them throws away what a person made: what has to go out of the way is kept under another name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
    def quoted(self) -> str:
        """The files, as arguments."""
        return " ".join(shlex.quote(path) for path in self.paths)


FLAGS = ("assume-unchanged", "skip-worktree")
"""Flags of the index that hide edits from git."""


def place(path: str) -> str:
    """A path as an argument; a leading `~` stays one."""
    match = re.match(r"(~[A-Za-z0-9._-]*)(/.*|$)", path)
    if not match:
        return shlex.quote(path)
    rest = match[2].removeprefix("/")
    return match[1] + ("/" + shlex.quote(rest) if rest else "")


def commands(kind: str, situation: Situation) -> tuple[str, ...]:
    """The commands for a class of failure, in order; `cd` first where there is a clone to go to."""
    return _MENDS.get(kind, _look)(situation)


def _in_clone(situation: Situation, *lines: str) -> tuple[str, ...]:
    return (f"cd {place(situation.path)}", *lines)


def _look(at: Situation) -> tuple[str, ...]:
    return _in_clone(at, "git status")


def _conflict(at: Situation) -> tuple[str, ...]:
    if at.is_change:
        return _in_clone(at, f"git log -p -3 refs/deployer/remote/{at.upstream} -- {at.quoted}")
    pull = f"git pull --no-rebase {at.remote} {at.upstream}"
    return _in_clone(
        at,
        pull,
        f"${{EDITOR:-vi}} {at.quoted}",
        # Pasted as it stands it must not land marks that nobody solved: with them git refuses to commit, and the push.
        f"grep -n '^[<>]\\{{7\\}} ' -- {at.quoted} || git add -- {at.quoted}",
        "git commit --no-edit",
        f"git push {at.remote} HEAD:refs/heads/{at.upstream}",
    )


def _dirty(at: Situation) -> tuple[str, ...]:
    flagged = [shlex.quote(path) for path in at.names("flagged")]
    moved = [shlex.quote(path) for path in at.names("untracked")]
    return _in_clone(
        at,
        f"git diff HEAD -- {at.quoted}",
        # One option at a time: git takes both, and obeys the last one only.
        *(f"git update-index --no-{flag} -- {' '.join(flagged)}" for flag in FLAGS if flagged),
        *(f"mv -n -- {path} {path}.mine" for path in moved),
        f"git pull --rebase --autostash {at.remote} {at.upstream}",
        "git status",
    )


def _going_on(*command: str) -> Callable[[Situation], tuple[str, ...]]:
    return lambda at: _in_clone(at, "git status", *command)


def _detached(at: Situation) -> tuple[str, ...]:
    commit = at.fact("at")[:12]
    branch = at.fact("wanted") or at.branch or "main"
    kept = f"found-{commit}"
    return _in_clone(at, f"git branch {kept}", f"git checkout {shlex.quote(branch)}", f"git merge {kept}")


def _wrong_branch(at: Situation) -> tuple[str, ...]:
    return _in_clone(at, "git status", f"git checkout {shlex.quote(at.fact('wanted'))}")


def _other_remote(at: Situation) -> tuple[str, ...]:
    return _in_clone(
        at,
        "git remote -v",
        f"git remote set-url {shlex.quote(at.fact('remote') or 'origin')} {shlex.quote(at.fact('wanted'))}",
    )


def _no_remote(at: Situation) -> tuple[str, ...]:
    return _in_clone(at, f"git remote add origin {shlex.quote(at.url or at.fact('wanted') or 'URL')}")


def _missing(at: Situation) -> tuple[str, ...]:
    branch = f"--branch {shlex.quote(at.branch)} " if at.branch else ""
    return (f"git clone {branch}{shlex.quote(at.url or 'URL')} {place(at.path)}",)


def _not_a_repository(at: Situation) -> tuple[str, ...]:
    if at.fact("work_tree"):
        return _in_clone(at, "git config --show-origin core.worktree", "git config --local --unset core.worktree")
    if at.facts.get("empty"):
        return _missing(at)
    here = place(at.path)
    return (f"ls -la {here}", f"mv -n {here} {place(at.path + '.before-deployer')}", *_missing(at))


def _empty_ref(at: Situation) -> tuple[str, ...]:
    ref = at.fact("ref")
    if ref == "HEAD":
        return _in_clone(at, f"echo 'ref: refs/heads/{at.branch or 'main'}' > .git/HEAD", "git status")
    if not at.fact("last") and ref.startswith("refs/remotes/"):
        return _in_clone(at, f"mv {shlex.quote('.git/' + ref)} .git/broken-ref", f"git fetch {at.remote}")
    return _in_clone(at, f"echo {at.fact('last') or 'OBJECT-ID'} > {shlex.quote('.git/' + ref)}", "git status")


def _index(at: Situation) -> tuple[str, ...]:
    return _in_clone(
        at, "if [ -e .git/index ]; then mv .git/index .git/index.broken; fi", "git read-tree HEAD", "git status"
    )


def _stale_lock(at: Situation) -> tuple[str, ...]:
    return (f"ls -l {at.quoted}", f"fuser -v {at.quoted} || rm -i {at.quoted}")


def _force_pushed(at: Situation) -> tuple[str, ...]:
    return _in_clone(
        at,
        f"git log --oneline {at.fact('remote')[:12]}..{at.branch}",
        f"git branch before-rewrite-{at.head[:12]}",
        f"git reset --keep {at.fact('remote')[:12]}",
    )


def _too_large(at: Situation) -> tuple[str, ...]:
    return _in_clone(at, f"git log -5 --format='%h %an %ad %s' refs/deployer/remote/{shlex.quote(at.upstream)}")


def _try(at: Situation) -> tuple[str, ...]:
    return _in_clone(at, f"git ls-remote {at.remote} refs/heads/{at.upstream}")


def _push(at: Situation) -> tuple[str, ...]:
    return _in_clone(at, f"git push {at.remote} HEAD:refs/heads/{at.upstream}")


def _identity(_at: Situation) -> tuple[str, ...]:
    return ("git config --global user.name NAME", "git config --global user.email MAIL")


_MENDS: Mapping[str, Callable[[Situation], tuple[str, ...]]] = {
    "conflict": _conflict,
    "dirty-overlap": _dirty,
    "unmerged": _going_on("git diff"),
    "rebase-in-progress": _going_on("GIT_EDITOR=true git rebase --continue"),
    "merge-in-progress": _going_on("git commit --no-edit"),
    "cherry-pick-in-progress": _going_on("GIT_EDITOR=true git cherry-pick --continue"),
    "revert-in-progress": _going_on("GIT_EDITOR=true git revert --continue"),
    "bisect-in-progress": _going_on("git bisect reset"),
    "am-in-progress": _going_on("git am --continue"),
    "detached": _detached,
    "wrong-branch": _wrong_branch,
    "other-remote": _other_remote,
    "no-remote": _no_remote,
    "missing": _missing,
    "not-a-repository": _not_a_repository,
    "exists": lambda at: (f"ls -la {place(at.path)}",),
    "empty-ref": _empty_ref,
    "index-missing": _index,
    "index-corrupt": _index,
    "stale-lock": _stale_lock,
    "force-pushed": _force_pushed,
    "unrelated-history": lambda at: _in_clone(at, "git remote -v", f"git log --oneline -5 {at.fact('remote')[:12]}"),
    "branch-gone": _push,
    "remote-gone": _try,
    "auth": _try,
    "host-key": _try,
    "server-refused": _push,
    "stale-server-lock": _push,
    "push-hook": _push,
    "too-large": _too_large,
    "identity": _identity,
    "ownership": lambda at: (f"ls -ld {place(at.path)}", "id"),
    "permission": lambda at: (f"ls -la {place(at.path)}", "id"),
    "disk-full": lambda at: (f"df -h {place(at.path)}", f"df -i {place(at.path)}"),
    "no-git": lambda _at: ("git --version",),
}
