"""The report of `make mutants`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.mutant import Mutant
from tests.mutation.output import is_timeout
from tests.mutation.reporting import rows
from tests.mutation.session import Line, Session

PACKAGE = "deployer/store"


def mutant(line: int) -> Mutant:
    """One change at a line."""
    return Mutant(PACKAGE, f"{PACKAGE}/rows.py", "AddNot", 0, ((line, 0), (line, 1)))


def test_the_table_says_what_a_limit_ended_and_what_was_not_tried(tmp_path: Path) -> None:
    """A slow machine must not look like good tests, nor like a small sample."""
    sample = [mutant(line) for line in range(6)]
    session = Session(tmp_path / "mutants", tmp_path, seed=1)
    for index, (is_killed, is_slow) in enumerate([(True, False), (True, True), (False, False), (False, False)]):
        session.add(Line(PACKAGE, sample[index].name, False, is_killed, is_slow, 1.0, "", ""))  # noqa: FBT003 - is_deep
    session.add(Line(PACKAGE, sample[3].name, True, True, True, 1.0, "timeout", ""))  # noqa: FBT003 - deep, killed, slow

    of_package, of_all = rows({PACKAGE: sample}, session)

    assert str(of_package) == f"| `{PACKAGE}` | 4 | 2 (50 %) | 3 (75 %) | 2 | 1 | 2 |"
    assert str(of_all) == "| all | 4 | 2 (50 %) | 3 (75 %) | 2 | 1 | 2 |"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("timeout", True),
        ("E   Failed: Timeout (>240.0s) from pytest-timeout.\nFAILED tests/x.py::test_x - Failed: T...", True),
        ("E   assert 'timeout' == ''\nFAILED tests/x.py::test_x - assert 'timeout' == ''", False),
    ],
)
def test_a_limit_is_told_from_a_failure(output: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Both end the tests."""
    assert is_timeout(output) is expected
