"""What goes to python3 on a host and what comes back: the bundle and the answer, without any I/O of its own."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from deployer.errors import DeployerError, HelperFailedError, UnreachableError
from deployer.model.json import JsonObject
from deployer.model.program import Program

TOO_OLD = 86
"""Exit code of the first line when python3 is older than 3.9."""
NOT_FOUND = 127
"""What a shell, and `timeout`, exit with when a command does not exist."""
FIRST_LINE = (
    f"import sys; sys.version_info < (3, 9) and sys.exit({TOO_OLD}); "
    'exec(compile(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())), "deployer_bootstrap.py", "exec"))'
)
MARK = b'{"deployer": 1, "answer": '
"""Begins the answer: a login script that prints does not come between."""
TAIL = 4000
"""Characters of a failed program's stderr that are shown."""


def interpreter(python: str) -> list[str]:
    """The command that reads a bundle: isolated from the login's PYTHON* variables and site packages."""
    return [python, "-I", "-S", "-X", "utf8", "-c", FIRST_LINE]


def bundle(
    program: Program, request: JsonObject, *, home: str, deadline: float, hold: bool = False, silence: float = 0.0
) -> bytes:
    """The bytes for the interpreter's stdin.

    Args:
        program: what to run.
        request: what it is asked.
        home: what `~` means to it; empty for the login's own.
        deadline: seconds after which it ends itself and its children; of a holding program, until it has answered.
        hold: whether it stays after its answer.
        silence: seconds without a sign of life from us after which a holding program lets go; 0 for never.
    """
    told = {
        "modules": dict(program.modules),
        "request": request,
        "home": home,
        "deadline": deadline,
        "hold": hold,
        "silence": silence,
    }
    first, second = _bootstrap(), json.dumps(told).encode("ascii")
    return b"%d\n%s%d\n%s" % (len(first), first, len(second), second)


@cache
def _bootstrap() -> bytes:
    return files(__package__).joinpath("bootstrap.py").read_bytes()


def is_answer(line: bytes) -> bool:
    """Whether a line of stdout is the answer."""
    return line.startswith(MARK) and line.endswith(b"\n")


def answer(stdout: bytes) -> JsonObject | None:
    """The answer in what a program wrote; None when there is none."""
    line = next((line for line in stdout.splitlines(keepends=True) if is_answer(line)), None)
    if line is None:
        return None
    value: JsonObject = json.loads(line)["answer"]
    return value


def failure(name: str, python: str, exit_code: int, stderr: bytes) -> DeployerError:
    """The error for a program that ended without an answer."""
    if exit_code == NOT_FOUND:
        what = "python3" if python == "python3" else python
        return UnreachableError(f"{name} has no {what}", hint=f"install python3 (3.9 or later) on {name}")
    if exit_code == TOO_OLD:
        hint = f"install python3 3.9 or later, or set ansible_python_interpreter for {name}"
        return UnreachableError(f"{python} on {name} is older than 3.9", hint=hint)
    said = stderr.decode("utf-8", "replace").strip()
    last = said.splitlines()[-1] if said else f"exit code {exit_code}"
    return HelperFailedError(f"our helper on {name} ended without an answer: {last}", hint=said[-TAIL:])
