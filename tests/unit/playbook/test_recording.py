"""What the process around Ansible writes, where the disk has no room for all of it."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.playbook.child import Recording
from deployer.playbook.job import Job
from deployer.secrets.redactor import Redactor

ROOM = 1000


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job of which only the two files are used."""
    events, log = str(tmp_path / "events.jsonl"), str(tmp_path / "ansible.log")
    return Job(os.getpid(), events, log, private="", sockets="", playbook="", inventories=(), arguments=(), working="")


@pytest.fixture
def recording(job: Job) -> Iterator[Recording]:
    """Records into files that may not grow beyond `ROOM`: the kernel writes what fits, and refuses the next write."""
    reader, writer = os.pipe()
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    recording = Recording(replace(job, wake=writer), Redactor(()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, most[1]))
    yield recording
    resource.setrlimit(resource.RLIMIT_FSIZE, most)
    os.close(reader)
    os.close(writer)


def test_a_row_that_does_not_fit_is_an_error_of_the_file(job: Job, recording: Recording) -> None:
    """A part of it is in the file, and no dot says that there is a row."""
    recording.row({"event": "a"})

    with pytest.raises(OSError, match="File too large") as caught:
        recording.row({"event": "b" * ROOM})

    whole, part = Path(job.events).read_bytes().split(b"\n")
    assert (json.loads(whole), caught.value.filename) == ({"event": "a"}, job.events)
    assert len(whole) + 1 + len(part) == ROOM
