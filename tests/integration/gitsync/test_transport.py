"""What is told of a remote behind ssh: by ssh's exit code, and by its words only where nothing else tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.errors import UnreachableError
from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def behind_ssh(world: World, script: str) -> None:
    """The remote is reached by an `ssh` that the clone's own configuration names."""
    ssh = world.root / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!/bin/sh\n{script}\n")
    ssh.chmod(0o755)
    world.git(world.clone, "config", "core.sshCommand", f"'{ssh}'")
    world.git(world.clone, "remote", "set-url", "origin", f"ssh://git@example.invalid{world.bare}".replace(" ", "%20"))


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("echo 'git@example: Permission denied (publickey).' >&2; exit 255", "auth"),
        ("echo 'Host key verification failed.' >&2; exit 255", "host-key"),
        ("echo 'whatever it says' >&2; exit 128", "remote-gone"),
        ("exit 127", "remote-gone"),
    ],
)
def test_a_person_is_needed(world: World, script: str, kind: str) -> None:
    """The login, the key and a missing repository do not mend themselves: one try, then a report."""
    behind_ssh(world, script)

    result = world.engine().sync(world.host, replace(world.repository, remote=""))

    assert result.manual is not None
    assert (result.status, result.manual.kind, result.attempts) == (SyncStatus.MANUAL, kind, 1)


def test_a_network_is_tried_again(world: World) -> None:
    """Whatever else ssh says: a few tries, then later; and inspect calls it unreachable."""
    behind_ssh(world, "echo 'ssh: connect to host example.invalid port 22: Connection refused' >&2; exit 255")
    repository = replace(world.repository, remote="")

    result = world.engine().sync(world.host, repository)

    assert (result.status, result.attempts, result.manual) == (SyncStatus.RETRY_LATER, 3, None)
    assert result.revision == ""
    with pytest.raises(UnreachableError):
        world.engine().inspect(world.host, repository)


def test_over_ssh(world: World, manifest: str) -> None:
    """A remote that answers: BatchMode is asked for, nothing else differs."""
    log = world.root / "ssh arguments"
    behind_ssh(world, f'echo "$@" >>\'{log}\'; while [ $# -gt 1 ]; do shift; done; exec sh -c "$1"')
    world.commit(world.ada, {"viatris.xml": manifest + "more\n"}, push=True)
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")

    result = world.engine().sync(world.host, replace(world.repository, remote=""))

    assert result.status is SyncStatus.LANDED, result.manual
    assert all("-oBatchMode=yes" in line for line in log.read_text().splitlines())


def test_a_stalled_remote_is_given_up(world: World) -> None:
    """The deadline holds for what git waits for; it is ended and leaves no lock."""
    behind_ssh(world, "exec sleep 600")
    world.settings = world.settings.model_copy(update={"seconds": 1.0, "network_attempts": 1})
    before = world.state()

    result = world.engine().sync(world.host, replace(world.repository, remote=""))

    assert (result.status, result.attempts) == (SyncStatus.RETRY_LATER, 1), result.manual
    assert world.state() == before


def test_no_secret_is_told(world: World) -> None:
    """A password in the URL of the remote is nowhere in the report."""
    world.git(world.clone, "remote", "set-url", "origin", "https://ben:hunter2@127.0.0.1:9/x.git")

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.kind == "other-remote"
    assert "hunter2" not in repr(result)
