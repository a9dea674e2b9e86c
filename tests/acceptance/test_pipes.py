"""A reader of the output that goes away: head, less, a log collector that died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("redeploy", "fra1", "--check"), 8), (("redeploy", "fra1", "--check", "--json"), 8), (("logs", "last", "-f"), 0)],
)
def test_a_reader_that_leaves_changes_no_exit_code(deployed: Box, arguments: tuple[str, ...], code: int) -> None:
    """What was done counts; there is no fault to report."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.0" channel')
    deployed.push()
    with deployed.shell.start(*arguments, DEPLOYER_SANDBOX=deployed.name) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert process.returncode == code, said
    assert "fault" not in said
    assert "Traceback" not in said
