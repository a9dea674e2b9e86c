"""Processes known by pid, start time and boot: looked at in the real /proc, with this process and one child."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace

from deployer.sandboxes.processes import identity_of, is_alive, kill_session, send, session_of


def test_this_process_is_alive_and_another_start_time_is_not() -> None:
    """The same pid with another start time, or of another boot, is another process."""
    own = identity_of(os.getpid())
    assert own is not None
    assert is_alive(own)
    assert not is_alive(replace(own, started=own.started + 1))
    assert not is_alive(replace(own, boot="another"))


def test_a_signal_reaches_only_the_very_process() -> None:
    """A stale record of a pid that somebody else has now hurts nobody."""
    with subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) as child:
        identity = identity_of(child.pid)
        assert identity is not None
        send(replace(identity, started=identity.started - 1), signal.SIGKILL)
        assert session_of(replace(identity, started=identity.started - 1)) == ()
        assert kill_session(replace(identity, boot="another"), 1) == ()
        assert child.poll() is None
        assert session_of(identity) == (identity,)
        assert kill_session(identity, 10) == ()
        assert child.wait() == -signal.SIGKILL


def test_a_process_that_ended_but_was_not_collected_is_not_alive() -> None:
    """A zombie counts as ended: nobody waits for it for ever."""
    with subprocess.Popen(["/bin/true"], start_new_session=True) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert identity_of(child.pid) is None
