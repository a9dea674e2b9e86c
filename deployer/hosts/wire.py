"""What goes to python3 on a host and what comes back: the bundle and the answer, without any I/O of its own."""

from __future__ import annotations

import json
import marshal
import zlib
from functools import cache, lru_cache
from importlib.resources import files
from importlib.util import MAGIC_NUMBER

from deployer.errors import DeployerError, HelperFailedError, UnreachableError
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.resources import code
from deployer.visible import quoted

TOO_OLD = 86
"""Exit code of the first line when python3 is older than 3.9."""
NOT_FOUND = 127
"""What a shell, and `timeout`, exit with when a command does not exist."""
FIRST_LINE = (
    f"import sys; sys.version_info < (3, 9) and sys.exit({TOO_OLD}); "
    "from marshal import loads; from _frozen_importlib_external import MAGIC_NUMBER; "
    "read = sys.stdin.buffer.read; magic, *sizes = sys.stdin.buffer.readline().split(); "
    "code, source = [read(int(size)) for size in sizes]; "
    "exec(loads(code) if magic == MAGIC_NUMBER.hex().encode() else "
    'compile(source, "deployer_bootstrap.py", "exec"))'
)
MARK = b'{"deployer": 1, "answer": '
"""Begins the answer: a login script that prints does not come between."""
OLD_FORMAT = 2
"""Of marshal: every Python reads it."""
TAIL = 4000
"""Characters of a failed program's stderr that are shown."""


def interpreter(python: str) -> list[str]:
    """The command that reads a bundle: isolated from the login's PYTHON* variables and site packages."""
    return [python, "-I", "-S", "-X", "utf8", "-c", FIRST_LINE]


def bundle(
    program: Program,
    request: JsonObject,
    *,
    home: str,
    deadline: float,
    hold: bool = False,
    silence: float = 0.0,
    memory: int = 0,
) -> bytes:
    """The bytes for the interpreter's stdin.

    Args:
        program: what to run.
        request: what it is asked.
        home: what `~` means to it; empty for the login's own.
        deadline: seconds after which it ends itself and its children; of a holding program, until it has answered.
        hold: whether it stays after its answer.
        silence: seconds without a sign of life from us after which a holding program lets go; 0 for never.
        memory: bytes that it may use, and each command that it starts; 0 for no limit of ours.
    """
    ways = {"home": home, "deadline": deadline, "hold": hold, "silence": silence, "memory": memory}
    modules, last = (
        _packed(tuple(program.modules.items()), tuple(program.code.items())),
        json.dumps({"request": request, **ways}).encode("ascii"),
    )
    return b"%s%d %d\n%s%s" % (_bootstrap(), len(modules), len(last), modules, last)


@lru_cache(maxsize=16)
def _packed(sources: tuple[tuple[str, str], ...], compiled: tuple[tuple[str, bytes], ...]) -> bytes:
    """The modules, small: over a distance each 14 KB cost a round trip at the start of a connection."""
    texts = zlib.compress(marshal.dumps(dict(sources), OLD_FORMAT))
    packed = {name: zlib.compress(data) for name, data in compiled}
    return marshal.dumps((MAGIC_NUMBER, packed, texts), OLD_FORMAT)


@cache
def _bootstrap() -> bytes:
    """Compiled, for a Python of our version, and as text for every other."""
    compiled = code(f"{__package__}.bootstrap")
    text = files(__package__).joinpath("bootstrap.py").read_bytes()
    return b"%s %d %d\n%s%s" % (MAGIC_NUMBER.hex().encode(), len(compiled), len(text), compiled, text)


def is_answer(line: bytes) -> bool:
    """Whether a line of stdout is the answer."""
    return line.startswith(MARK) and line.endswith(b"\n")


def answer(stdout: bytes) -> JsonObject | None:
    """The answer in what a program wrote; None when there is none."""
    line = next((line for line in stdout.splitlines(keepends=True) if is_answer(line)), None)
    if line is None:
        return None
    try:
        value: JsonObject = json.loads(line)["answer"]
    except RecursionError as error:
        raise HelperFailedError("our helper answered with values that are nested too deep") from error
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
    return HelperFailedError(f"our helper on {name} ended without an answer: {last}", hint=quoted(said[-TAIL:]))
