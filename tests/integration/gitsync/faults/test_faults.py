"""Every fault situation: the class, the tries, what is told, what is left alone, and how it ends when it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deployer.errors import AttentionError
from deployer.gitsync.classes import CLASSES
from deployer.model.sync import Change, ManualWork, SyncResult, SyncStatus
from tests.budget.marks import deep
from tests.budget.pace import limit
from tests.integration.gitsync.faults import invariants
from tests.integration.gitsync.faults.catalogue import CATALOGUE
from tests.integration.gitsync.faults.invariants import Case, Look, decoy_of
from tests.integration.gitsync.faults.scene import Scene, edited, is_root, people
from tests.integration.gitsync.faults.situation import Situation
from tests.support import missing

WHERE = "manual intervention needed on fra1-prod-dep01 in ~/deployer/clusterconfig-fra1 failed to sync/pull manifest"
MESSAGE = "prod-deployer made changes to viatris.xml via automation"
SECONDS = 1
"""Of a situation, with the sync that ends it."""
EACH = [pytest.param(one, marks=[deep(SECONDS)] if one.is_deep else []) for one in CATALOGUE]


@pytest.mark.parametrize("situation", EACH, ids=lambda situation: f"{situation.name} [{situation.transport}]")
def test_a_fault(scene: Scene, situation: Situation) -> None:
    """It is named, tried as often as it should, told completely, nothing is lost, and the sync after it ends well."""
    if situation.needs_root and not is_root():
        missing("root, to mount a small file system")
    change = met(scene, situation)
    if situation.act:
        acted(scene, situation, situation.act)
        return
    case = seen(scene, situation, change)

    told(case)
    invariants.check(case)

    mended(case)


def met(scene: Scene, situation: Situation) -> Change | None:
    """The people, and the fault."""
    people(scene, situation.edits)
    change = scene.change(edited(9, "of automation"), message=MESSAGE) if situation.change else None
    scene.settings = scene.settings.model_copy(update={"seconds": limit(situation.seconds)})
    situation.make(scene)
    return change


def acted(scene: Scene, situation: Situation, act: Callable[[Scene], None]) -> None:
    """What is no sync: an error that says what to do; nothing changes; and it works when it is mended."""
    before, decoy = Look(scene), decoy_of(scene)
    with pytest.raises(AttentionError) as raised:
        act(scene)
    assert tuple(scene.kinds()) == situation.tries
    assert f"~/deployer/clusterconfig-fra1 on fra1-prod-dep01: {CLASSES[situation.last].told}" == str(raised.value)
    assert raised.value.hint.startswith(situation.command)
    assert (Look(scene).state, decoy_of(scene)) == (before.state, decoy)
    situation.mend(scene)
    act(scene)


def seen(scene: Scene, situation: Situation, change: Change | None) -> Case:
    """A sync, looked at before and after."""
    before, decoy = Look(scene), decoy_of(scene)
    result = scene.sync(change)
    return Case(scene, situation, before, Look(scene), result, change, decoy)


def told(case: Case) -> None:
    """The class of each try, how it ended, and what people read first."""
    situation, result = case.situation, case.result
    kinds = tuple(case.scene.kinds())
    if situation.lasts:
        many = len(situation.tries) - 1
        assert len(kinds) > many, result
        assert (*kinds[:many], *set(kinds[many:])) == situation.tries, result
    else:
        assert kinds == situation.tries, result
    assert result.status in situation.status, result
    assert result.attempts == len(kinds)
    assert max(case.scene.clock.waits, default=0.0) >= situation.waited
    if result.status is SyncStatus.RETRY_LATER:
        assert result.reason.startswith(CLASSES[situation.last].told), result.reason
    if result.manual:
        assert result.manual.kind == situation.last
        held = (f"{case.scene.clone}/.git/{situation.names}",) if situation.names else ()
        assert result.manual.paths == (*situation.paths, *held), result.manual
        first_line(result.manual, situation)


def first_line(work: ManualWork, situation: Situation) -> None:
    """The words of years."""
    begin = f"failed to commit/push {MESSAGE}" if situation.change else WHERE
    assert work.line.startswith(f"{begin} with: Command {situation.command}"), work.line
    assert work.line.endswith(" on fra1-prod-dep01 failed")


def mended(case: Case) -> None:
    """When it is over, or done what the report says: all lands, once, and the next sync has nothing to do."""
    scene, result = case.scene, case.result
    scene.settings = scene.settings.model_copy(update={"seconds": limit(60)})
    case.situation.mend(scene)
    said = scene.terminal(result.manual, case.situation.typed) if result.manual else ""
    waiting = case.change if case.change and not result.change else None

    again = scene.sync(waiting)

    assert again.manual is None, f"{said}\n{again.manual}"
    assert again.status in invariants.ENDED_WELL, f"{said}\n{again}"
    in_the_end(case, Look(scene), said)
    idle = scene.sync()
    assert idle.status.value == "in-sync", idle
    assert not [argv for argv in scene.argv() if "push" in argv]


def in_the_end(case: Case, end: Look, said: str) -> None:
    """Nothing is lost, by no side, and the remote is sound."""
    scene = case.scene
    now = replace(case, after=end, result=_quiet(case.result))
    assert scene.git(scene.clone, "rev-parse", "HEAD") == end.tip, said
    invariants.each_lands_once(now)
    invariants.no_conflict_marks_land(now)
    invariants.nothing_of_ours_is_left(now)
    invariants.nothing_lives_on(now)
    for path, data in case.before.edits().items():
        if path not in {*case.situation.merged, *case.before.unmerged()}:
            assert data in kept(scene, path), f"{path}\n{said}"
    if not case.situation.rewrites:
        invariants.no_commit_is_lost_when_people_solve(now)
        invariants.the_remote_only_grows(now)
    subjects = scene.subjects()
    assert subjects.count("ben's") == subjects.count("ada's") == 1, said
    assert subjects.count(MESSAGE) == bool(case.change)
    scene.git(scene.bare, "fsck", "--no-dangling")
    assert "<<<<<<<" not in scene.git(scene.bare, "grep", "-h", "", scene.branch)


def kept(scene: Scene, path: str) -> list[bytes]:
    """A file of a person: where it was, and beside it, where the commands may have put it."""
    aside = scene.clone.with_name(scene.clone.name + ".before-deployer")
    places = (scene.clone / path, scene.clone / f"{path}.mine", aside / path)
    return [place.read_bytes() for place in places if place.is_file()]


def _quiet(result: SyncResult) -> SyncResult:
    return replace(result, landed=(), change="")
