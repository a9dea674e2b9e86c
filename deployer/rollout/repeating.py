"""Retry: what a run on record owes, asked for again as it was asked for. It never widens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deployer.errors import LockedError, UsageError
from deployer.model.command import Operand, typed
from deployer.model.options import PlaybookOptions
from deployer.model.run import Asked, Run, RunState
from deployer.rollout.request import Wanted


def repeated(run: Run, more: PlaybookOptions, *, limit: str = "", arguments: Sequence[str] = ()) -> Wanted:
    """The same operation, with the same values and options, for the targets that a run owes.

    A run that was interrupted before its targets were known owes all that it was asked for.

    Args:
        run: as the record has it.
        more: options to add: a check stays one, variables and skipped tags come on top, tags replace those of the run.
        limit: narrows what is owed.
        arguments: the command line, for the record.

    Raises:
        UsageError: the run owes nothing, or the record says too little to repeat it exactly.
        LockedError: it is not over.
    """
    asked = _repeatable(run)
    owed = tuple(result.target for result in run.owed)
    if asked.limit and limit and not owed:
        raise UsageError(
            f"{run.id} had the limit {asked.limit!r}, and is repeated with it: no other limit goes with that",
            hint=f"give the command again with the limit that you want: {original(run)}",
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


def _repeatable(run: Run) -> Asked:
    if run.state is RunState.RUNNING:
        raise LockedError(
            f"{run.id} is still running", hint=f"{typed('deployer', 'logs', Operand(run.id), '-f')} follows it"
        )
    if run.state is RunState.FINISHED and not run.results:
        raise UsageError(
            f"{run.id} owes nothing: it ended with {run.exit_code} before it had targets",
            hint=f"to try it once more, give its command again: {original(run)}",
        )
    if run.asked is None:
        raise UsageError(
            f"{run.id} is on record without its options (an older deployer ran it), and cannot be repeated exactly",
            hint=f"give its command again: {original(run)}",
        )
    return run.asked


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
