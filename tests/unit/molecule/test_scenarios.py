"""Every shipped operation has a molecule scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parents[3]
OPERATIONS = sorted(path.parent.name for path in (TOP / "playbooks").glob("*/operation.yml"))
STEPS = ("create", "converge", "idempotence", "verify", "destroy")


def test_there_are_operations() -> None:
    """The list below is about something."""
    assert "instance-redeploy" in OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_has_a_scenario(operation: str) -> None:
    """With its name, and with every step that makes it a proof."""
    scenario = TOP / "molecule" / operation / "molecule.yml"

    assert scenario.is_file(), f"playbooks/{operation} has no scenario: write molecule/{operation}/molecule.yml"
    found = yaml.safe_load(scenario.read_text())
    assert [step for step in STEPS if step not in found["scenario"]["test_sequence"]] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_has_checks(operation: str) -> None:
    """`deployer verify` has something to say of it."""
    assert list((TOP / "playbooks" / operation / "checks").glob("test_*.py"))
