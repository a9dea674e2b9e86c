"""Why Ansible, or the process around it, ended before it said so: one sentence for the person. The child imports it."""

from __future__ import annotations

import errno
import os
import re
import signal
from pathlib import Path

LONGEST = 500
_TAIL = 65_536
_WHOLE = re.compile(r"\[Errno (?P<number>\d+)\] (?P<why>[^:]*): b?(?P<quote>['\"])(?P<place>.*)(?P=quote)")
_OF_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
BY_SIGNAL = "ansible-playbook was ended by a signal: of the kernel when memory runs out, or of somebody on this machine"


def sentence(error: BaseException, folder: Path) -> str:
    """What is wrong, in one line: of a file its path too, whatever library raised it.

    Args:
        error: it has no file name where a write failed.
        folder: where all that is written goes.
    """
    if isinstance(error, OSError):
        return _of_system(error, folder)
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _of_system(error: OSError, folder: Path) -> str:
    # pexpect gives all of it as one text.
    whole = _WHOLE.fullmatch(str(error))
    why = error.strerror or (whole["why"] if whole else str(error))
    place = os.fsdecode(error.filename) if error.filename else whole["place"] if whole else ""
    if not place and error.errno in _OF_DISK:
        place = str(folder)
    number = error.errno or (int(whole["number"]) if whole else 0)
    if number == errno.ENOENT and place and Path(place).is_file():
        return f"{place}: the interpreter that its first line names is not there"
    return f"{place}: {why}" if place else why


def of_child(code: int, told: str, log: Path) -> str:
    """How the process around Ansible ended.

    Args:
        code: as `Popen.returncode` has it: a signal is negative.
        told: what it said last, over its pipe; empty when it could not.
        log: what Python printed when it did not even begin.
    """
    if told:
        return told
    if code < 0:
        why = ", as the kernel does when memory runs out" if code == -signal.SIGKILL else ""
        return f"the process that runs Ansible was ended by {_name(-code)}{why}"
    line = _last_line(log)
    return f"the process that runs Ansible ended with exit code {code}" + (f": {line}" if line else "")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
