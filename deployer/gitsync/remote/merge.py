"""Merges trees in memory: plain files by git, every file that both sides changed by the controller."""

from __future__ import annotations

import binascii
import re

from . import digest, history, limits
from .failure import Evidence, Stopped, Undecided
from .git import Git
from .history import Entry
from .preflight import Clone
from .trees import merge_trees, write_object

LARGEST = 8 << 20
"""Bytes of a file that the controller is asked about; a larger one is no manifest."""
MERGED = 3
"""Versions of each file that travel: those of all together as a multiple of what manifests may have together."""
_STAMP = b"deployer <deployer@localhost> 0 +0000"


class Merger:
    """Three-way merges of trees in a clone.

    Args:
        git: the clone.
        clone: the clone.
        answers: by key, what the controller said of a file: `content` (base64), or `conflicts`, or neither: by lines.
        asks: whether the controller merges at all.
        rules: name of the file with the repository's own rules of merging, which the controller is told too.
    """

    def __init__(self, git: Git, clone: Clone, answers: dict[str, Evidence], *, asks: bool, rules: str = "") -> None:
        self._git = git
        self._scratch = clone.place.own + "/merge-index"
        self._answers = answers
        self._asks = asks
        self._rules = rules

    def merge(self, base: str, ours: str, theirs: str) -> str:
        """Merge trees.

        Args:
            base: the common tree; the empty one where there is none.
            ours: what the remote has.
            theirs: what shall come on top.

        Returns:
            The merged tree.

        Raises:
            Undecided: the controller must merge some files first.
            Stopped: `conflict`, with the paths.
        """
        if base == theirs:
            return ours
        plain = merge_trees(self._git, base, ours, theirs) if self._git.objects else None
        if plain is not None:
            return plain
        settled, conflicts = self._settle(base, ours, theirs)
        if settled:
            ours = history.write_tree(self._git, self._scratch, ours, settled)
            theirs = history.write_tree(self._git, self._scratch, theirs, settled)
        return self._merge_by_lines(base, ours, theirs, conflicts)

    def _merge_by_lines(self, base: str, ours: str, theirs: str, conflicts: Evidence) -> str:
        # merge-tree takes a base of its own from git 2.40 on; before, two commits on a common one give it.
        root = self._commit(base)
        left, right = self._commit(ours, root), self._commit(theirs, root)
        result = self._git.run("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", left, right)
        fields = result.stdout.split(b"\0")
        if result.code == 0 and not conflicts:
            return fields[0].decode()
        argv = ["git", "merge-tree", "--write-tree", left, right]
        if result.code not in (0, 1):
            raise result.stopped("git-failed", argv=argv)
        # Where a file meets a folder merge-tree calls it `name~side`.
        paths = [re.sub(f"~({left}|{right})$", "", history.text(name)) for name in fields[1:] if name]
        raise result.stopped("conflict", argv=argv, paths=sorted({*paths, *conflicts}), facts={"told": conflicts})

    def _settle(self, base: str, ours: str, theirs: str) -> tuple[dict[str, Entry], Evidence]:
        """Files that both sides changed, as the controller merged them, and what it called conflicts."""
        settled: dict[str, Entry] = {}
        conflicts = self._gone(base, ours, theirs)
        needs: list[tuple[str, str, Entry, Entry, Entry]] = []
        rules = self._rules_of(ours) if self._asks else ""
        for path, entries in (self._both(base, ours, theirs) if self._asks else {}).items():
            key = digest.sha256(
                "\0".join((path, rules, *(oid for _mode, oid in entries))).encode("utf-8", "surrogateescape")
            ).hexdigest()
            answer = self._answers.get(key)
            if answer is None:
                needs.append((path, key, *entries))
            elif answer.get("conflicts"):
                conflicts[path] = answer["conflicts"]
            elif answer.get("content") is not None:
                settled[path] = (_mode(*entries), self._blob(binascii.a2b_base64(answer["content"])))
        if needs:
            self._ask(needs, rules)
        return settled, conflicts

    def _rules_of(self, tree: str) -> str:
        """Object id of the repository's rules as the remote has them; empty where there are none."""
        found = history.entry_at(self._git, tree, self._rules) if self._rules else None
        return found[1] if found and found[0].startswith("100") else ""

    def _gone(self, base: str, ours: str, theirs: str) -> Evidence:
        """Files that one side took away and the other changed.

        git 2.39 follows renames whatever `merge.renames` says, and would merge the moved file by lines.
        """
        left = {step.path: step.new for step in history.changes(self._git, base, ours)}
        right = {step.path: step.new for step in history.changes(self._git, base, theirs)}
        found = [path for path in left.keys() & right.keys() if (left[path] is None) != (right[path] is None)]
        where = {True: "taken away on the remote, changed by what comes on top"}
        where[False] = "changed on the remote, taken away by what comes on top"
        return {path: [where[left[path] is None]] for path in sorted(found)}

    def _both(self, base: str, ours: str, theirs: str) -> dict[str, tuple[Entry, Entry, Entry]]:
        """Files whose content both sides changed; where one side changed the mode alone git takes both as they are."""
        left = {step.path: step for step in history.changes(self._git, base, ours)}
        both = {}
        for step in history.changes(self._git, base, theirs):
            other = left.get(step.path)
            if other is None or step.old is None or other.new is None or step.new is None:
                continue
            entries = (step.old, other.new, step.new)
            changed = len({oid for _mode, oid in entries}) == len(entries)
            if changed and all(mode.startswith("100") for mode, _oid in entries):
                both[step.path] = entries
        return both

    def _ask(self, needs: list[tuple[str, str, Entry, Entry, Entry]], rules: str) -> None:
        oids = [entry[1] for need in needs for entry in need[2:]]
        sizes = self._sizes([*oids, rules] if rules else oids, rules)
        contents = history.blobs(self._git, [oid for oid, size in sizes.items() if size <= LARGEST])
        told = binascii.b2a_base64(contents[rules], newline=False).decode() if rules else ""
        asked: list[Evidence] = []
        for path, key, *entries in needs:
            if any(sizes[oid] > LARGEST for _mode, oid in entries):
                self._answers[key] = {}
                continue
            base, ours, theirs = (binascii.b2a_base64(contents[oid], newline=False).decode() for _, oid in entries)
            asked.append({"path": path, "key": key, "base": base, "ours": ours, "theirs": theirs, "rules": told})
        if asked:
            raise Undecided(asked)

    def _sizes(self, oids: list[str], rules: str) -> dict[str, int]:
        """Of what would travel to the controller, before it does."""
        sizes = history.sizes(self._git, oids)
        most = MERGED * self._git.limits.most_manifests
        whole = sum(size for size in (sizes[oid] for oid in oids) if size <= LARGEST)
        if whole > most:
            what = "the files that both sides changed, together"
            raise limits.too_large(what, f"{whole} bytes", f"{most} bytes", "sync.most_manifests")
        if rules and sizes[rules] > LARGEST:
            raise limits.too_large(self._rules, f"{sizes[rules]} bytes", f"{LARGEST} bytes")
        return sizes

    def _blob(self, data: bytes) -> str:
        return write_object(self._git, "blob", data)

    def _commit(self, tree: str, parent: str = "") -> str:
        parents = b"parent " + parent.encode() + b"\n" if parent else b""
        data = (
            b"tree " + tree.encode() + b"\n" + parents + b"author " + _STAMP + b"\ncommitter " + _STAMP + b"\n\nmerge\n"
        )
        return write_object(self._git, "commit", data)


def _mode(old: Entry, ours: Entry, theirs: Entry) -> str:
    """The mode of a plain file that both sides changed: executable or not is merged as git does it."""
    modes = [("100644", "100755")[int(mode, 8) & 0o100 > 0] for mode, _oid in (old, ours, theirs)]
    return modes[2] if modes[1] == modes[0] else modes[1]


def conflict(stopped: Stopped, git: Git, ours: list[str], theirs: tuple[str, ...], *, change: str = "") -> Stopped:
    """The same stop, with who changed the paths on either side.

    Args:
        stopped: the conflict.
        git: the clone.
        ours: revision arguments for the local side; empty where it is a change of automation.
        theirs: revision arguments for the remote's side.
        change: the subject of the change of automation.
    """
    paths = tuple(stopped.evidence.get("paths", ()))
    stopped.evidence["ours"] = history.commits(git, "--no-walk", *ours) if ours else []
    stopped.evidence["theirs"] = history.commits(git, *theirs, paths=paths)
    stopped.evidence.setdefault("facts", {})["of_change"] = change
    return stopped
