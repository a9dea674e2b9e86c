"""GitHub's workflows: what they may do, and what they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
FOLDER = TOP / ".github" / "workflows"
FILES = sorted(path.name for path in FOLDER.glob("*.yml"))
TIERS = {"test", "trixie", "deep"}


def workflow(name: str) -> dict[Any, Any]:
    """A workflow; YAML 1.1 reads its key `on` as True."""
    found: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def steps(name: str) -> list[dict[str, Any]]:
    """The steps of all jobs."""
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", FILES)
def test_nothing_but_reading_is_allowed(name: str) -> None:
    """For all jobs, and the token is not left where a test could read it."""
    assert workflow(name)["permissions"] == {"contents": "read"}
    assert [job for job in workflow(name)["jobs"].values() if "permissions" in job] == []
    checkouts = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned(name: str) -> None:
    """A tag can be moved, a commit cannot."""
    used = [step["uses"] for step in steps(name) if "uses" in step]

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_others_write_stands_in_a_script(name: str) -> None:
    """Branch names and titles reach a script by its environment only."""
    assert [step["run"] for step in steps(name) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("name", FILES)
def test_older_runs_of_a_branch_are_cancelled(name: str) -> None:
    """Only the newest commit is of interest."""
    assert workflow(name)["concurrency"]["cancel-in-progress"] is True


def test_a_push_is_tested_once_with_a_job_for_each_tier() -> None:
    """A branch of the same repository is not tested again for its pull request."""
    found = workflow("ci.yml")
    (job,) = found["jobs"].values()

    assert set(found[True]) == {"push", "pull_request"}
    assert "head.repo.full_name != github.repository" in job["if"]
    assert set(job["strategy"]["matrix"]["tier"]) == TIERS
    script = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    assert set(re.findall(r"\|\| set -- (.*)", script)[0].split()) == TIERS


def test_a_branch_is_compared_with_the_default_one() -> None:
    """What a push changed is not enough: the run of the one before may have been cancelled."""
    (step,) = [step for step in steps("ci.yml") if "TESTS_BASE" in step.get("env", {})]

    base = step["env"]["TESTS_BASE"]
    assert "event.before" not in base
    assert "format('origin/{0}', github.event.repository.default_branch)" in base
    assert "--preserve-env=CI,TESTS_BASE " in step["run"]


def test_each_night_has_its_own_mutants() -> None:
    """The seed reaches the command through sudo."""
    (step,) = [step for step in workflow("nightly.yml")["jobs"]["mutants"]["steps"] if "run" in step]

    assert step["run"].startswith("MUTANTS_SEED=$(date ")
    assert "--preserve-env=CI,MUTANTS_SEED " in step["run"]
