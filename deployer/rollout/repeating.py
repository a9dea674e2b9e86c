"""Retry: what a run on record owes, asked for again as it was asked for. It never widens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deployer.errors import LockedError, RefusedError, UsageError
from deployer.model.command import Operand, typed
from deployer.model.options import PlaybookOptions
from deployer.model.run import Asked, Run, RunState
from deployer.model.secret import REDACTED
from deployer.rollout.request import Wanted


def repeated(
    run: Run, more: PlaybookOptions, *, limit: str = "", arguments: Sequence[str] = (), trusted: bool = False
) -> Wanted:
    """The same operation, with the same values and options, for the targets that a run owes.

    A run that was interrupted before its targets were known owes all that it was asked for. Raw arguments of Ansible
    and sources of vault passwords run programs of whoever named them, on this machine: out of a record that others may
    have written they are only compared with what is given again.

    Args:
        run: as the record has it.
        more: options to add: a check stays one, variables and skipped tags come on top, tags replace those of the run.
        limit: narrows what is owed.
        arguments: the command line, for the record.
        trusted: nobody but this user can have written the record (`Store.is_private`).

    Raises:
        UsageError: the run owes nothing, or the record says too little to repeat it exactly.
        LockedError: it is not over.
        RefusedError: the record is not trusted, and has options that must be given again.
    """
    again = original(run) if trusted else f"{original(run)}   (its record says so, which others can write)"
    asked = _repeatable(run, again)
    if not trusted:
        asked = replace(asked, options=_harmless(run, asked.options, more, arguments))
    owed = tuple(result.target for result in run.owed)
    if asked.limit and limit and not owed:
        raise UsageError(
            f"{run.id} had the limit {asked.limit!r}, and is repeated with it: no other limit goes with that",
            hint=f"give the command again with the limit that you want: {again}",
        )
    return Wanted(
        operation=run.operation,
        sites=run.sites,
        # Who is owed was chosen once: the words that chose them may mean others by now.
        instances=() if owed else run.instances,
        limit=limit or ("" if owed else asked.limit),
        only=owed or asked.only,
        sets=asked.sets,
        params=run.params,
        options=_joined(asked.options, more),
        arguments=tuple(arguments),
        retry_of=run.id,
    )


def is_same_work(one: Run, other: Run) -> bool:
    """Whether two runs do the same to the same targets. How much they tell, and how fast they go, is no matter."""
    if one.asked is None or other.asked is None:
        return False
    return _work(one, one.asked) == _work(other, other.asked)


def _work(run: Run, asked: Asked) -> tuple[object, ...]:
    options = replace(asked.options, forks=0, verbosity=0, diff=False)
    return run.operation, run.environment, run.sites, run.instances, dict(run.params), replace(asked, options=options)


def original(run: Run) -> str:
    """The command that started a run, to paste."""
    return typed("deployer", *run.arguments)


def _repeatable(run: Run, again: str) -> Asked:
    if run.state is RunState.RUNNING:
        raise LockedError(
            f"{run.id} is still running", hint=f"{typed('deployer', 'logs', Operand(run.id), '-f')} follows it"
        )
    if run.state is RunState.FINISHED and not run.results:
        raise UsageError(
            f"{run.id} owes nothing: it ended with {run.exit_code} before it had targets",
            hint=f"to try it once more, give its command again: {again}",
        )
    if run.asked is None:
        raise UsageError(
            f"{run.id} is on record without its options (an older deployer ran it), and cannot be repeated exactly",
            hint=f"give its command again: {again}",
        )
    return run.asked


def _harmless(run: Run, before: PlaybookOptions, more: PlaybookOptions, arguments: Sequence[str]) -> PlaybookOptions:
    """The options of a run that only say how Ansible works; those that name what it runs were given again."""
    if _holds(more.raw, before.raw) and _holds(more.vault_ids, before.vault_ids):
        return replace(before, raw=(), vault_ids=())
    vault = tuple(word for vault_id in before.vault_ids for word in ("--vault-id", vault_id))
    named = (*vault, *(("--", *before.raw) if before.raw else ()))
    line = tuple(run.id if word == "last" else word for word in arguments) or ("retry", run.id)
    own = line[: line.index("--")] if "--" in line else line
    raise RefusedError(
        f"{run.id} has options that run programs, and others can write its record: {typed(*named)}",
        hint=f"if they are right, give them with the retry: {typed('deployer', *own, *named)}",
    )


def _holds(given: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether all that is wanted was given, in its order; a secret, which no record keeps, may be any text."""
    left = iter(given)
    return all(any(word == one or REDACTED in word for one in left) for word in wanted)


def _joined(before: PlaybookOptions, more: PlaybookOptions) -> PlaybookOptions:
    return replace(
        before,
        check=before.check or more.check,
        diff=before.diff or more.diff,
        tags=more.tags or before.tags,
        skip_tags=(*before.skip_tags, *more.skip_tags),
        forks=more.forks or before.forks,
        verbosity=max(more.verbosity, before.verbosity),
        become=before.become or more.become,
        verify=before.verify or more.verify,
        vault_ids=(*before.vault_ids, *more.vault_ids),
        raw=(*before.raw, *more.raw),
    )
