"""Snapshots and undos as the deployer host answers them, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from deployer.errors import UsageError
from deployer.gitsync.manual import commits
from deployer.model.command import Assigned, Command, Operand, Place, Sign, Variable, typed
from deployer.model.json import JsonObject, JsonValue
from deployer.model.site import Repository
from deployer.model.sync import Snapshot, Undone
from deployer.secrets.shapes import without_shapes


def snapshots(answer: JsonObject) -> tuple[Snapshot, ...]:
    """The snapshots of an answer."""
    listed = answer.get("snapshots")
    found = listed if isinstance(listed, list) else []
    return tuple(_snapshot(item) for item in found if isinstance(item, Mapping))


def undone(host: str, repository: Repository, answer: JsonObject, wanted: str) -> Undone:
    """What an undo did.

    Args:
        host: name of the deployer host.
        repository: the clone.
        answer: of the step.
        wanted: the snapshot that was asked for.

    Raises:
        UsageError: there is no such snapshot.
    """
    if answer.get("none"):
        raise _no_such(host, repository, snapshots(answer), wanted)
    target, saved = answer.get("snapshot"), answer.get("saved")
    return Undone(
        host=host,
        path=repository.path,
        snapshot=_snapshot(target if isinstance(target, Mapping) else {}),
        saved=_snapshot(saved) if isinstance(saved, Mapping) else None,
        before=str(answer.get("before")),
        after=str(answer.get("after")),
        written=_texts(answer.get("written")),
        removed=_texts(answer.get("removed")),
        left=_texts(answer.get("left")),
        landed=commits(answer.get("landed")),
        commands=_commands(repository, answer),
    )


def _no_such(host: str, repository: Repository, known: tuple[Snapshot, ...], wanted: str) -> UsageError:
    where = f"{repository.path} on {host}"
    if not known:
        return UsageError(
            f"{where} has no snapshot", hint="one is taken before each sync that changes the clone; none has"
        )
    said = f"has no snapshot {wanted}, or several begin so"
    return UsageError(f"{where} {said}", hint="the newest: " + ", ".join(one.id for one in known[:3]))


def _commands(repository: Repository, answer: JsonObject) -> tuple[str, ...]:
    """In a work tree of their own: in the clone edits, staged files and commits that were replayed are in their way."""
    revert = _texts(answer.get("revert"))
    if not revert:
        return ()
    name, url = str(answer.get("remote_name") or "origin"), str(answer.get("url") or repository.remote)
    remote = Operand(url if name.startswith("-") and url else name)
    branch = f"refs/heads/{answer.get('upstream') or repository.branch}"
    in_copy: Command = ("git", "-C", Variable("copy"))
    lines: tuple[Command, ...] = (
        ("cd", Place(repository.path)),
        (Assigned("copy", ("mktemp", "-d")),),
        ("git", "fetch", remote, branch),
        ("git", "worktree", "add", "--detach", Variable("copy"), "FETCH_HEAD"),
        (*in_copy, "revert", "--no-edit", *(Operand(oid[:12]) for oid in revert)),
        (*in_copy, "push", remote, f"HEAD:{branch}"),
        ("git", "worktree", "remove", Variable("copy")),
    )
    # Pasted, each runs only where the one before it went well: a push of something else would be worse than none.
    return (*(typed(*line, Sign.AND, clean=without_shapes) for line in lines[:-1]), typed(*lines[-1]))


def moment(value: JsonValue) -> datetime | None:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None


def _snapshot(item: JsonObject) -> Snapshot:
    return Snapshot(
        id=str(item.get("id")),
        time=datetime.fromisoformat(str(item.get("time"))),
        why=str(item.get("why")),
        branch=str(item.get("branch")),
        head=str(item.get("head")),
        subject=without_shapes(str(item.get("subject"))),
        dirty=_texts(item.get("dirty")),
        untracked=_texts(item.get("untracked")),
        left=_texts(item.get("left")),
    )


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
