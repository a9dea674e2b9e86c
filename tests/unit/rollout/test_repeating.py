"""What a retry asks for."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from deployer.errors import LockedError, RefusedError, UsageError
from deployer.model.options import PlaybookOptions
from deployer.model.run import Asked, Outcome, Run, RunState, TargetResult
from deployer.rollout.repeating import is_same_work, repeated
from deployer.testing import FakeClock

NOTHING_MORE = PlaybookOptions()


def _run(*owed: str, **changes: object) -> Run:
    """A finished run whose targets of these names failed, beside one that is done."""
    results = tuple(TargetResult(name, name.rpartition(".")[2], Outcome.FAILED) for name in owed)
    done = (TargetResult("done.fra1", "fra1", Outcome.CHANGED),) if owed else ()
    run = Run(
        "run-1",
        "instance-configure",
        "prod",
        ("fra1",),
        ("viatris", "done"),
        "erin",
        "box",
        FakeClock().now(),
        state=RunState.FINISHED,
        arguments=("configure", "fra1", "-l", "v*"),
        asked=Asked(),
        results=(*results, *done),
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # the fields of Run, by name


def test_the_values_to_set_are_set_again() -> None:
    """A change that did not land is still wanted: without it a retry would say that all is well."""
    sets = (("version", "1.5.0"),)

    wanted = repeated(_run("viatris.fra1", asked=Asked(sets=sets)), NOTHING_MORE)

    assert (wanted.sets, wanted.only, wanted.retry_of) == (sets, ("viatris.fra1",), "run-1")


def test_a_retry_is_on_record_under_its_own_command() -> None:
    """`history` and the hints of its own retry show what was typed, not the command of the first run."""
    wanted = repeated(_run("viatris.fra1"), NOTHING_MORE, arguments=["retry", "last", "-v"])

    assert wanted.arguments == ("retry", "last", "-v")


def test_a_check_stays_a_check_and_every_option_is_as_it_was() -> None:
    """Nothing that was given with the run is dropped: no variable, tag, become, vault or check of the instances."""
    options = PlaybookOptions(
        check=True,
        diff=True,
        tags=("a",),
        skip_tags=("b",),
        forks=3,
        verbosity=2,
        become=True,
        verify=True,
        vault_ids=("x@y",),
        raw=("-e", "a=1"),
    )

    wanted = repeated(
        _run("viatris.fra1", params={"keep": 2}, asked=Asked(options=options)), NOTHING_MORE, trusted=True
    )

    assert wanted.options == options
    assert wanted.params == {"keep": 2}


def test_options_given_with_a_retry_come_on_top() -> None:
    """Variables are added behind those of the run, where they win."""
    before = PlaybookOptions(skip_tags=("b",), raw=("-e", "a=1"))
    more = PlaybookOptions(check=True, tags=("c",), skip_tags=("d",), verbosity=1, raw=("-e", "a=2"))

    wanted = repeated(_run("viatris.fra1", asked=Asked(options=before)), more, trusted=True)

    assert wanted.options == replace(more, skip_tags=("b", "d"), raw=("-e", "a=1", "-e", "a=2"))


@pytest.mark.parametrize("code", [2, 6, 7])
def test_a_run_that_ended_before_it_had_targets_owes_nothing(code: int) -> None:
    """A typo, a lock or a no did nothing: to repeat it would be to begin it. Its command is named."""
    with pytest.raises(UsageError, match="owes nothing") as caught:
        repeated(_run(exit_code=code), NOTHING_MORE)

    assert "deployer configure fra1 -l 'v*'" in caught.value.hint


def test_a_run_interrupted_before_it_knew_its_targets_is_repeated_whole_and_no_wider() -> None:
    """With its instances and its limit; a retry that died with the targets that it was bound to."""
    asked = Asked(limit="v*", only=("viatris.fra1", "vega.fra1"))

    wanted = repeated(_run(state=RunState.INTERRUPTED, asked=asked), NOTHING_MORE)

    assert (wanted.instances, wanted.limit, wanted.only) == (("viatris", "done"), "v*", asked.only)


def test_the_limit_of_a_whole_run_is_not_replaced_by_another() -> None:
    """It could be a wider one."""
    with pytest.raises(UsageError, match="limit"):
        repeated(_run(state=RunState.INTERRUPTED, asked=Asked(limit="v*")), NOTHING_MORE, limit="all")


def test_a_limit_narrows_what_is_owed() -> None:
    """The words of the run chose among what there was then; who is owed is known by name."""
    wanted = repeated(_run("a.fra1", "b.fra1", asked=Asked(limit="~old")), NOTHING_MORE, limit="a")

    assert (wanted.instances, wanted.limit, wanted.only) == ((), "a", ("a.fra1", "b.fra1"))


def test_a_run_on_record_without_its_options_is_not_guessed_at() -> None:
    """An older program did not keep them: the command is named instead."""
    with pytest.raises(UsageError, match="cannot be repeated exactly") as caught:
        repeated(_run("viatris.fra1", asked=None), NOTHING_MORE)

    assert "deployer configure fra1 -l 'v*'" in caught.value.hint


def test_a_run_that_goes_on_is_not_repeated() -> None:
    """Its targets are not started yet, not owed."""
    with pytest.raises(LockedError, match="still running"):
        repeated(_run("viatris.fra1", state=RunState.RUNNING), NOTHING_MORE)


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"id": "run-2", "who": "cron", "arguments": ("configure", "fra1", "--cron")}, True),
        ({"asked": Asked(options=PlaybookOptions(verbosity=3, forks=2, diff=True))}, True),
        ({"operation": "instance-redeploy"}, False),
        ({"sites": ("fra1", "ams2")}, False),
        ({"instances": ()}, False),
        ({"params": {"keep": 2}}, False),
        ({"asked": Asked(limit="v*")}, False),
        ({"asked": Asked(sets=(("version", "2"),))}, False),
        ({"asked": Asked(options=PlaybookOptions(check=True))}, False),
        ({"asked": None}, False),
    ],
)
def test_the_same_work_is_the_same_operation_on_the_same_targets(changes: dict[str, object], is_same: bool) -> None:  # noqa: FBT001  parametrized
    """Who asked, and how much is told, makes no difference; whatever could change a host does."""
    assert is_same_work(_run(), _run(**changes)) is is_same


RUNNING = PlaybookOptions(
    verify=True, tags=("a",), vault_ids=("x@/srv/$(evil)",), raw=("-e", "password=[redacted]", "--ssh-common-args=-oX")
)
"""Options that say how, and such that name what runs."""


def test_what_runs_programs_is_given_again_where_others_can_write_the_record() -> None:
    """The refusal shows it, and the command that agrees to it, which is accepted as it was printed."""
    run = _run("viatris.fra1", asked=Asked(options=RUNNING))

    with pytest.raises(RefusedError, match="others can write its record") as caught:
        repeated(run, NOTHING_MORE, arguments=("retry", "last", "--sandbox", "x"))

    command = caught.value.hint.partition(": ")[2]
    again = ("deployer", "retry", "run-1", "--sandbox", "x", "--vault-id", *RUNNING.vault_ids, "--", *RUNNING.raw)
    assert shlex.split(command) == list(again)
    given = PlaybookOptions(vault_ids=RUNNING.vault_ids, raw=("-e", "password=hunter2", "-v", "--ssh-common-args=-oX"))
    wanted = repeated(run, given)
    assert wanted.options == replace(given, verify=True, tags=("a",))


@pytest.mark.parametrize(
    ("vault_ids", "raw"),
    [
        ((), RUNNING.raw),
        (RUNNING.vault_ids, ()),
        (RUNNING.vault_ids, RUNNING.raw[:2]),
        (("x@/srv/other",), RUNNING.raw),
    ],
)
def test_a_part_of_what_runs_programs_is_not_enough(vault_ids: tuple[str, ...], raw: tuple[str, ...]) -> None:
    """A retry neither takes the rest from the record nor leaves it out."""
    run = _run("viatris.fra1", asked=Asked(options=RUNNING))

    with pytest.raises(RefusedError):
        repeated(run, PlaybookOptions(vault_ids=vault_ids, raw=raw))


def test_options_that_only_say_how_are_taken_from_any_record() -> None:
    """None of them names a program, a file or a host."""
    options = PlaybookOptions(check=True, diff=True, tags=("a",), skip_tags=("b",), forks=3, become=True, verify=True)

    wanted = repeated(_run("viatris.fra1", params={"keep": 2}, asked=Asked(options=options)), NOTHING_MORE)

    assert (wanted.options, wanted.params) == (options, {"keep": 2})
