"""Colours on a terminal: a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("variables", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]
)
def test_no_color_is_heeded(tmp_path: Path, variables: dict[str, str], *, is_coloured: bool) -> None:
    """As https://no-color.org has it: set, and not empty."""
    for name, value in (("a.json", '{"x": 1}'), ("b.json", '{"x": 2}')):
        (tmp_path / name).write_text(value)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "DEPLOYER_STATE": str(tmp_path)}
    ours, theirs = pty.openpty()

    argv = [sys.executable, "-m", "deployer", "compare", "a.json", "b.json"]
    done = subprocess.run(argv, cwd=tmp_path, env=environ | variables, stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    said = os.read(ours, 65536)
    os.close(ours)

    assert done.returncode == 8, said
    assert b"x: 1 -> 2" in said
    assert (b"\x1b[" in said) is is_coloured
