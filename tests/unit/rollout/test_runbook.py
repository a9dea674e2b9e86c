"""The runbook, over the shipped doubles of every port."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import DeployerError, LockedError, RefusedError, UnreachableError, UsageError
from deployer.model.options import PlaybookOptions
from deployer.model.run import Outcome, RunState, exit_code_of
from deployer.model.sync import Commit, SyncStatus
from deployer.ports import Lock
from deployer.testing import FakeDriver
from tests.unit.rollout.world import World, manifest, outcomes, stuck


def test_every_instance_of_every_site_is_rolled_out_and_recorded() -> None:
    """One playbook run per site; the record has every target, the exit code is 0."""
    world = World()

    run = world.run(world.request("fra1", "ams2"))

    assert set(outcomes(run)) == {"acme.fra1", "viatris.fra1", "nord.ams2"}
    assert set(outcomes(run).values()) == {Outcome.CHANGED}
    assert sorted(playbook.batch for playbook in world.driver.runs) == ["ams2", "fra1"]
    assert run.exit_code == 0
    assert world.store.run("run-1").state is RunState.FINISHED
    assert len(world.store.run("run-1").results) == 3


def test_what_the_sync_brought_is_what_is_rolled_out() -> None:
    """A version pushed since the last sync is the one that is rolled out."""
    world = World()
    world.clones.push("clusterconfig-fra1", {"viatris.json": manifest("viatris", "2.0")})

    run = world.run(world.request())

    assert [(r.target, r.version_after) for r in run.results] == [("viatris.fra1", "2.0")]


def test_a_manifest_that_did_not_land_holds_its_instance_alone() -> None:
    """The others of the site are rolled out from the remote's tip; a person is needed."""
    world = World()
    tip = world.clones.push("clusterconfig-fra1", world.clones.files("clusterconfig-fra1"))
    more = Commit("abc", "Jonas <j@example.net>", "2026-11-20", "More", ("viatris.json",))
    world.clones.scripted["clusterconfig-fra1"] = [stuck(more, revision=tip)]

    run = world.run(world.request())

    assert outcomes(run) == {"viatris.fra1": Outcome.HELD, "acme.fra1": Outcome.CHANGED}
    assert run.exit_code == 5
    assert any("Jonas" in result.error for result in run.results)
    assert [work.site for work in world.store.attention()] == ["fra1"]


def test_nothing_is_rolled_out_from_a_clone_that_may_be_stale() -> None:
    """Where a person is needed first the targets are held, where waiting may help they are unreachable."""
    held, later = World(), World()
    held.clones.scripted["clusterconfig-fra1"] = [stuck()]
    later.clones.scripted["clusterconfig-fra1"] = [stuck(status=SyncStatus.RETRY_LATER)]

    runs = held.run(held.request()), later.run(later.request())

    assert [set(outcomes(run).values()) for run in runs] == [{Outcome.HELD}, {Outcome.UNREACHABLE}]
    assert [run.exit_code for run in runs] == [5, 4]
    assert held.driver.runs + later.driver.runs == []


def test_people_are_told_once_and_again_where_it_failed() -> None:
    """The same work is told once; a notifier that fails is tried with the next sync, and stops nothing."""
    world = World()
    world.clones.scripted["clusterconfig-fra1"] = [stuck(), stuck(), stuck()]
    world.is_deaf = True
    run = world.run(world.request())
    world.is_deaf = False
    world.run(world.request(), "run-2")
    world.run(world.request(), "run-3")

    assert run.exit_code == 5
    assert world.told == ["1"]


def test_manual_work_closes_with_the_next_good_sync() -> None:
    """Nobody has to tick it off."""
    world = World()
    world.clones.scripted["clusterconfig-fra1"] = [stuck()]
    world.run(world.request())

    world.run(world.request(), "run-2")

    assert world.store.attention() == ()


def test_configure_lands_a_commit_and_rolls_out_what_landed() -> None:
    """The change is one commit with the words people know; the target runs with the new value."""
    world = World()

    run = world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert [change.message for change in world.clones.changes] == [
        "prod-deployer made changes to viatris.json via automation"
    ]
    assert [(r.target, r.version_after) for r in run.results] == [("viatris.fra1", "3.0")]
    assert b"3.0" in world.clones.files("clusterconfig-fra1")["viatris.json"]


def test_configure_says_from_which_revision_to_which() -> None:
    """From what the clone was before the run, over what the sync received, to the commit of automation."""
    world = World()
    before = world.head
    world.clones.push("clusterconfig-fra1", world.clones.files("clusterconfig-fra1"))

    run = world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert run.revisions == {"fra1": (before, world.head)}


def test_a_change_that_could_not_land_is_not_rolled_out() -> None:
    """The target is held, exit 5."""
    world = World()
    tip = world.clones.push("clusterconfig-fra1", world.clones.files("clusterconfig-fra1"))
    good = replace(stuck(status=SyncStatus.IN_SYNC, revision=tip))
    world.clones.scripted["clusterconfig-fra1"] = [good, stuck(revision=tip)]

    run = world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert (outcomes(run), run.exit_code) == ({"viatris.fra1": Outcome.HELD}, 5)
    assert world.driver.runs == []


def test_check_changes_nothing_and_says_that_it_would() -> None:
    """No lock, no commit; the edited manifest is what the playbook checks, and the exit code is 8."""
    world = World()
    options = PlaybookOptions(check=True)

    run = world.run(world.request(edits=True, sets=(("version", "3.0"),), options=options))

    assert run.exit_code == 8
    assert world.clones.changes == []
    assert {target.version for target in world.driver.runs[0].targets} == {"3.0"}
    assert world.driver.runs[0].options.check


def test_two_manifests_of_one_instance_are_held() -> None:
    """Nobody but a person can say which is meant."""
    world = World(**{"a.json": manifest("viatris"), "b.json": manifest("viatris"), "c.json": manifest("acme")})

    run = world.run(world.request())

    assert [(r.target, r.outcome) for r in run.results] == [
        ("viatris.fra1", Outcome.HELD),
        ("acme.fra1", Outcome.CHANGED),
    ] or outcomes(run) == {"viatris.fra1": Outcome.HELD, "acme.fra1": Outcome.CHANGED}
    assert run.exit_code == 5


def test_a_placement_that_the_site_does_not_have_holds_the_instance() -> None:
    """It is never rolled out to some other host."""
    world = World(**{"a.json": manifest("viatris", host="elsewhere")})

    run = world.run(world.request())

    assert outcomes(run) == {"viatris.fra1": Outcome.HELD}
    assert "elsewhere" in run.results[0].error


def test_a_name_that_has_a_meaning_to_ansible_holds_the_instance() -> None:
    """The plan says so before anything is asked or started."""
    world = World(**{"a.json": manifest("a b")})

    run = world.run(world.request())

    assert outcomes(run) == {"a b.fra1": Outcome.HELD}
    assert [target.instance for target in world.plans[0].held] == ["a b"]


def test_a_run_that_is_not_approved_is_refused_with_nothing_rolled_out() -> None:
    """Exit 7, and the record says so."""
    world = World()
    world.answer = False

    with pytest.raises(RefusedError):
        world.run(world.request())

    assert world.driver.runs == []
    assert world.store.run("run-1").exit_code == 7


def test_configure_asks_before_it_pushes() -> None:
    """The plan that is shown has the wanted version; refused, nothing was committed anywhere."""
    world = World()
    world.answer = False

    with pytest.raises(RefusedError):
        world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert [target.version for target in world.plans[0].targets] == ["3.0"]
    assert world.clones.changes == []


def test_an_operation_that_takes_manifests_as_they_are_sets_no_value() -> None:
    """Neither a run nor a plan passes it over: what is shown would be what never happens."""
    world = World()

    with pytest.raises(UsageError, match="sets no value: version"):
        world.request(sets=(("version", "3.0"),))


def test_a_value_that_one_manifest_cannot_take_lands_nowhere() -> None:
    """Two sites: what can be refused is refused before anything is pushed."""
    world = World()
    world.clones.push("clusterconfig-ams2", {"nord.json": manifest("nord", colour="red")})

    with pytest.raises(UsageError, match="colour"):
        world.run(world.request("ams2", "fra1", edits=True, sets=(("colour", "blue"),)))

    assert world.clones.changes == []


def test_configure_of_an_instance_of_one_site_leaves_the_other_alone() -> None:
    """Both sites are named, the instance is only in one."""
    world = World()

    run = world.run(world.request("fra1", "ams2", edits=True, instances=("nord",), sets=(("version", "2.0"),)))

    assert [(result.target, result.version_after) for result in run.results] == [("nord.ams2", "2.0")]
    assert len(world.clones.changes) == 1


def test_an_instance_that_another_run_holds_is_locked() -> None:
    """The other instance is free."""
    world = World()
    site = world.sites[0]
    host = world.hosts.host(site.deployer_host)
    with world.locks.hold(host, site.repository, [Lock("instance/viatris", exclusive=True)], run="other", who="mia"):
        with pytest.raises(LockedError, match="viatris"):
            world.run(world.request(instances=("viatris",)))
        free = world.run(world.request(instances=("acme",)), "run-2")

    assert outcomes(free) == {"acme.fra1": Outcome.CHANGED}


@pytest.mark.parametrize("names", [(), ("viatris",)])
@pytest.mark.parametrize("lock", ["site", "instance/viatris"])
def test_what_another_run_holds_stops_a_run_before_the_clone_is_touched(lock: str, names: tuple[str, ...]) -> None:
    """The names that the clone has already are locked first: another run may be rolling out what is newer."""
    world = World()
    site = world.sites[0]
    host = world.hosts.host(site.deployer_host)
    held = [Lock(lock, exclusive=True)]
    with world.locks.hold(host, site.repository, held, run="other", who="mia"), pytest.raises(LockedError):
        world.run(world.request(instances=names))

    assert world.clones.reasons == []


def test_the_sync_of_each_site_is_on_record() -> None:
    """With the revision that was read, for `logs` and whoever follows the run."""
    world = World()
    run = world.run(world.request("fra1", "ams2"))

    syncs = {str(event.data["site"]): event for event in world.listener.events if event.kind == "sync"}
    assert {site: event.data["revision"] for site, event in syncs.items()} == {
        site: after for site, (_before, after) in run.revisions.items()
    }
    assert all(event.text.startswith(f"{site}: ") for site, event in syncs.items())


def test_fencing_numbers_grow_with_each_run() -> None:
    """An older run cannot undo a newer one."""
    world = World()
    world.run(world.request())
    world.run(world.request(), "run-2")

    first, second = (playbook.targets[0].fence for playbook in world.driver.runs)
    assert 0 < first < second


def test_an_instance_that_came_with_the_sync_is_locked_too() -> None:
    """It has a fencing number like the others."""
    world = World()
    files = {**world.clones.files("clusterconfig-fra1"), "new.json": manifest("new")}
    world.clones.push("clusterconfig-fra1", files)

    world.run(world.request())

    assert all(target.fence > 0 for target in world.driver.runs[0].targets)
    assert "new.fra1" in {target.name for target in world.driver.runs[0].targets}


def test_ansible_that_cannot_start_fails_its_targets_with_the_reason() -> None:
    """The run ends in order, with the sentence at each target."""
    world = World()
    world.driver = FakeDriver(error=DeployerError("ansible-playbook is not there"))

    run = world.run(world.request())

    assert set(outcomes(run).values()) == {Outcome.FAILED}
    assert run.results[0].error == "ansible-playbook is not there"
    assert run.exit_code == 3


def test_an_unknown_instance_is_an_error_and_nothing_runs() -> None:
    """Also when another one is known."""
    world = World()

    with pytest.raises(UsageError, match="nobody"):
        world.run(world.request(instances=("viatris", "nobody")))

    assert world.driver.runs == []


def test_a_retry_names_the_targets_that_are_gone() -> None:
    """Their manifests were removed: exit 2 and nothing runs, rather than "no targets" and 0."""
    world = World()

    with pytest.raises(UsageError, match=r"no longer in the config repository: gone\.fra1") as caught:
        world.run(world.request(only=frozenset({"gone.fra1", "acme.fra1"})))

    assert "--limit" in caught.value.hint
    assert world.driver.runs == []


def test_a_limit_of_a_retry_chooses_among_what_is_owed_and_still_there() -> None:
    """One that means none of them is an error."""
    world = World()
    only = frozenset({"gone.fra1", "acme.fra1"})

    run = world.run(world.request(only=only, limit="acme"))
    with pytest.raises(UsageError, match="matches nothing that is owed"):
        world.run(world.request(only=only, limit="viatris"), "run-2")

    assert outcomes(run) == {"acme.fra1": Outcome.CHANGED}


def test_a_target_of_a_site_that_cannot_be_read_is_not_gone() -> None:
    """Where its deployer host is away nobody knows; the rest is retried, exit 4."""
    world = World()
    world.clones.scripted["clusterconfig-ams2"] = [UnreachableError("ams2-dep01 did not answer")]

    run = world.run(world.request("fra1", "ams2", only=frozenset({"acme.fra1", "nord.ams2", "v1.2.ams2"})))

    assert outcomes(run)["acme.fra1"] is Outcome.CHANGED
    assert run.exit_code == 4


def test_a_site_whose_deployer_host_is_away_does_not_stop_the_other() -> None:
    """Its targets, as the record knows them, are unreachable; the other site is rolled out; exit 4."""
    world = World()
    world.run(world.request("fra1", "ams2"))
    world.clones.scripted["clusterconfig-fra1"] = [UnreachableError("fra1-dep01 did not answer")]

    run = world.run(world.request("fra1", "ams2"), "run-2")

    assert outcomes(run) == {
        "acme.fra1": Outcome.UNREACHABLE,
        "viatris.fra1": Outcome.UNREACHABLE,
        "nord.ams2": Outcome.CHANGED,
    }
    assert run.exit_code == 4


def test_a_run_on_one_site_that_is_away_is_an_error() -> None:
    """There is nothing else to do."""
    world = World()
    world.clones.scripted["clusterconfig-fra1"] = [UnreachableError("fra1-dep01 did not answer")]

    with pytest.raises(UnreachableError, match="fra1-dep01"):
        world.run(world.request("fra1"))


@pytest.mark.parametrize(
    ("outcomes", "check", "attention", "code"),
    [
        ([Outcome.OK, Outcome.CHANGED], False, False, 0),
        ([Outcome.OK, Outcome.CHANGED], True, False, 8),
        ([Outcome.FAILED, Outcome.UNREACHABLE], False, False, 3),
        ([Outcome.UNREACHABLE, Outcome.CHANGED], True, False, 4),
        ([Outcome.HELD, Outcome.FAILED], False, False, 5),
        ([Outcome.OK], False, True, 5),
        ([Outcome.SKIPPED], False, False, 0),
    ],
)
def test_the_first_of_5_3_4_8_wins(outcomes: list[Outcome], check: bool, attention: bool, code: int) -> None:  # noqa: FBT001  parametrized
    """Exit codes as documented."""
    world = World()
    run = world.run(world.request())
    results = tuple(replace(run.results[0], outcome=outcome) for outcome in outcomes)

    assert exit_code_of(results, check=check, attention=attention) == code
