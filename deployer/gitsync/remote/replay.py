"""Puts local commits and the change of automation on the remote's tip, in memory: no index, no work tree, no HEAD."""

from __future__ import annotations

import binascii
import json
import re
import time
from typing import Any

from . import digest, history
from .failure import Stopped
from .git import Git
from .merge import Merger, conflict
from .preflight import Clone
from .trees import write_object


class Replayer:
    """Makes new commits on top of the remote's tip.

    Args:
        git: the clone.
        clone: the clone.
        merger: merges trees.
        identity: `Name <mail>` of the committer; empty for the host's own.
    """

    def __init__(self, git: Git, clone: Clone, merger: Merger, identity: str) -> None:
        self._git = git
        self._clone = clone
        self._merger = merger
        self._identity = identity
        self._committer = ""

    def replay(self, local: list[str], tip: str, merged: str) -> str:
        """Replay commits one by one, each keeping its author, date and message.

        Args:
            local: the commits, oldest first.
            tip: of the remote.
            merged: the local head, to be merged as a whole where the local history has merges of its own.

        Returns:
            The new tip. A commit whose content is there already is left out.

        Raises:
            Stopped: `conflict`.
            Undecided: the controller must merge some files first.
        """
        raw = {oid: self._git.contents(oid).data for oid in local}
        if any(len(_parents(data)) > 1 for data in raw.values()):
            return self._merge_whole(merged, tip)
        new = tip
        for oid in local:
            parents = _parents(raw[oid])
            if not parents:
                raise Stopped("unrelated-history", argv=["git", "merge-base", oid, tip], facts={"remote": tip})
            try:
                new = self._replay_one(raw[oid], parents[0], oid, new)
            except Stopped as stopped:
                if stopped.kind == "conflict":
                    raise conflict(stopped, self._git, [oid], (tip, "^" + oid)) from stopped
                raise
        return new

    def _replay_one(self, raw: bytes, parent: str, oid: str, onto: str) -> str:
        base, theirs, ours = (history.tree_of(self._git, commit) for commit in (parent, oid, onto))
        tree = self._merger.merge(base, ours, theirs)
        if tree == ours and base != theirs:
            return onto
        return self._rewrite(raw, tree, [onto])

    def _merge_whole(self, head: str, tip: str) -> str:
        try:
            tree = self._merged_whole(head, tip)
        except Stopped as stopped:
            if stopped.kind == "conflict":
                raise conflict(stopped, self._git, [head], (tip, "^" + head)) from stopped
            raise
        who = self.committer()
        message = f"Merge branch '{self._clone.branch}'\n".encode()
        return self._write(tree, [tip, head], who.encode(), message)

    def _merged_whole(self, head: str, tip: str) -> str:
        """The tree of both; of several bases, where histories merged each other, none alone says who did what."""
        bases = self._git.ok("merge-base", "--all", head, tip).decode().split()
        sides = [history.tree_of(self._git, commit) for commit in (tip, head)]
        found = [self._merger.merge(history.tree_of(self._git, base), *sides) for base in bases]
        odd = {step.path for tree in found[1:] for step in history.changes(self._git, found[0], tree)}
        if odd:
            raise Stopped("conflict", argv=["git", "merge", head], paths=sorted(odd))
        return found[0]

    def _rewrite(self, raw: bytes, tree: str, parents: list[str]) -> str:
        """The commit on other parents: author, encoding and message byte for byte; a signature would be false now."""
        head, _, message = raw.partition(b"\n\n")
        author = _header(head, b"author")
        encoding = _header(head, b"encoding")
        return self._write(tree, parents, author, message, encoding)

    def _write(self, tree: str, parents: list[str], author: bytes, message: bytes, encoding: bytes = b"") -> str:
        lines = [b"tree " + tree.encode(), *(b"parent " + parent.encode() for parent in parents)]
        lines += [b"author " + author, b"committer " + self.committer().encode("utf-8", "surrogateescape")]
        if encoding:
            lines.append(b"encoding " + encoding)
        data = b"\n".join(lines) + b"\n\n" + message
        return write_object(self._git, "commit", data)

    def committer(self) -> str:
        """`Name <mail> seconds zone` for now.

        Raises:
            Stopped: `identity`, when the host has none and none was given.
        """
        if self._identity:
            self._committer = self._committer or _person(self._identity) + " " + _now()
        if not self._committer:
            result = self._git.committer()
            if result.code != 0:
                raise result.stopped("identity")
            self._committer = result.stdout.decode("utf-8", "surrogateescape").strip()
        return self._committer

    def change(self, wanted: dict[str, Any], onto: str) -> str:
        """Commit the change of automation on top; `onto` itself when all of it is there already.

        Raises:
            Stopped: `conflict`, where somebody changed the same thing since the file was read.
            Undecided: the controller must merge some files first.
        """
        ours = history.tree_of(self._git, onto)
        base, theirs = self._sides(wanted, ours)
        try:
            tree = self._merger.merge(base, ours, theirs)
        except Stopped as stopped:
            if stopped.kind == "conflict":
                raise conflict(stopped, self._git, [], ("--max-count=5", onto), change=wanted["message"]) from stopped
            raise
        if tree == ours:
            return onto
        committer = self.committer()
        stamp = committer[committer.rfind("> ") + 2 :]
        author = _person(wanted["author"]) + " " + stamp if wanted.get("author") else committer
        message = wanted["message"].rstrip("\n") + "\n"
        return self._write(tree, [onto], author.encode("utf-8", "surrogateescape"), message.encode("utf-8", "replace"))

    def _sides(self, wanted: dict[str, Any], ours: str) -> tuple[str, str]:
        """The tree as automation read it, and as it wants it: both differ from ours in the edited files alone."""
        scratch = self._clone.place.own + "/merge-index"
        base: dict[str, history.Entry] = {}
        theirs: dict[str, history.Entry] = {}
        for edit in wanted["edits"]:
            there = history.entry_at(self._git, ours, edit["path"])
            mode = there[0] if there and there[0].startswith("100") else "100644"
            content = write_object(self._git, "blob", binascii.a2b_base64(edit["content"]))
            theirs[edit["path"]] = (mode, content)
            read = edit["base"] if edit["base"] and self._git.find(edit["base"]) else ""
            base[edit["path"]] = (mode, read) if read else ("0", "0" * len(content))
        return (
            history.write_tree(self._git, scratch, ours, base),
            history.write_tree(self._git, scratch, ours, theirs),
        )


def key_of(wanted: dict[str, Any] | None) -> str:
    """The same change asked for again has the same key."""
    return digest.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest() if wanted else ""


def _parents(raw: bytes) -> list[str]:
    head = raw.partition(b"\n\n")[0]
    return [line[7:].decode() for line in head.split(b"\n") if line.startswith(b"parent ")]


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\n"):
        if line.startswith(name + b" "):
            return line[len(name) + 1 :]
    return b""


def _person(identity: str) -> str:
    """`Name <mail>` without what would break a commit's header."""
    name, _, mail = identity.replace("\n", " ").partition("<")
    clean = [re.sub(r"[<>\0]", "", part).strip() for part in (name, mail)]
    return f"{clean[0]} <{clean[1]}>"


def _now() -> str:
    return f"{int(time.time())} {time.strftime('%z')}"
