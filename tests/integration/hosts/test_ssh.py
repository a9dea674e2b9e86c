"""What only SSH has: keys of hosts, jump hosts, links that die."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from deployer.errors import SettingsError, UnreachableError
from deployer.hosts.factory import HostPool
from deployer.model.program import Program
from deployer.model.site import Machine
from deployer.ports import Host
from deployer.settings import SshSettings
from tests.budget.pace import limit

MakeMachine = Callable[..., Machine]


class Server(Protocol):
    """An sshd of the fixture `lan` (conftest.py)."""

    folder: Path
    port: int
    host_key: str
    known: str

    def kill_sessions(self) -> int:
        """Kill what serves its connections; how many."""

    def stop(self) -> None:
        """End it."""


class Lan(Protocol):
    """The fixture `lan` (conftest.py)."""

    home: Path
    servers: list[Server]

    def start(self, *, known: bool = True) -> Server:
        """Another sshd."""


def test_refuses_an_unknown_host_key(lan: Lan, pool: HostPool, ssh_machine: MakeMachine) -> None:
    """And says how to learn it; nothing is written to known_hosts."""
    server = lan.start(known=False)

    with pytest.raises(UnreachableError, match=r"its host key is not known \(ssh-ed25519 SHA256:") as info:
        pool.host(ssh_machine(server)).run(["true"])

    assert f"ssh-keyscan -p {server.port} -- 127.0.0.1 >> ~/.ssh/known_hosts" in info.value.hint
    assert not (lan.home / ".ssh" / "known_hosts").exists()


def test_refuses_a_changed_host_key(lan: Lan, pool: HostPool, ssh_machine: MakeMachine) -> None:
    """Somebody may be in between."""
    server, other = lan.start(known=False), lan.start(known=False)
    known = lan.home / ".ssh" / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {other.host_key}\n")

    with pytest.raises(UnreachableError, match="its host key CHANGED") as info:
        pool.host(ssh_machine(server)).run(["true"])

    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in info.value.hint


def test_known_hosts_of_the_settings_count(lan: Lan, tmp_path: Path, ssh_machine: MakeMachine) -> None:
    """A file besides the user's own; one that cannot be read is an error of the settings."""
    server = lan.start(known=False)
    file = tmp_path / "keys"
    file.write_text(server.known)
    pool = HostPool(SshSettings(known_hosts=str(file)))
    missing = HostPool(SshSettings(known_hosts=str(tmp_path / "none")))

    assert pool.host(ssh_machine(server)).run(["true"]).exit_code == 0
    pool.close()
    with pytest.raises(SettingsError, match=r"ssh\.known_hosts: .*/none: No such file"):
        missing.host(ssh_machine(server)).run(["true"])


def test_a_key_that_is_not_let_in(lan: Lan, pool: HostPool, ssh_machine: MakeMachine) -> None:
    """The hint is the ssh command that shows the same."""
    server = lan.start()
    (server.folder / "authorized_keys").write_text("")

    with pytest.raises(UnreachableError, match="authentication failed") as info:
        pool.host(ssh_machine(server)).run(["true"])
    assert f"ssh -p {server.port} -- 127.0.0.1" in info.value.hint


def test_the_key_of_the_inventory_is_used(lan: Lan, pool: HostPool, ssh_machine: MakeMachine) -> None:
    """`ansible_ssh_private_key_file`, with `~` in it."""
    server = lan.start()
    ssh = lan.home / ".ssh"
    (ssh / "id_ed25519").rename(ssh / "own key")

    host = pool.host(ssh_machine(server, ansible_ssh_private_key_file="~/.ssh/own key"))

    assert host.run(["true"]).exit_code == 0


def test_nobody_listens(lan: Lan, pool: HostPool, ssh_machine: MakeMachine) -> None:
    """Refused."""
    server = lan.start()
    server.stop()

    with pytest.raises(UnreachableError, match=r"fra1-prod-dep01 \(127\.0\.0\.1\): it refused the connection"):
        pool.host(ssh_machine(server)).run(["true"])


def test_a_name_that_nobody_knows(lan: Lan, pool: HostPool) -> None:
    """DNS; `.invalid` never resolves."""
    del lan
    with pytest.raises(UnreachableError, match="its name is not known"):
        pool.host(Machine("dep01", {"ansible_host": "dep01.invalid"})).run(["true"])


def test_the_ssh_config_of_the_user_counts(lan: Lan, pool: HostPool, deployer_home: Path) -> None:
    """Alias, port, user and key come from ~/.ssh/config."""
    server = lan.start()
    (lan.home / ".ssh" / "config").write_text(f"Host dep*\n  HostName 127.0.0.1\n  Port {server.port}\n")

    host = pool.host(Machine("dep01", {"deployer_home": str(deployer_home)}))

    assert host.run(["echo", "here"]).stdout == b"here\n"


def jump(lan: Lan, server: Server, hops: list[Server]) -> None:
    """Write a ~/.ssh/config in which `dep01` is behind the jump hosts, in this order."""
    names = [f"jump{number}" for number in range(len(hops))]
    lines = [f"Host {name}\n  HostName 127.0.0.1\n  Port {hop.port}\n" for name, hop in zip(names, hops, strict=True)]
    lines += [f"Host dep01\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyJump {','.join(names)}\n"]
    (lan.home / ".ssh" / "config").write_text("".join(lines))


def test_a_jump_host(lan: Lan, pool: HostPool, make_program: Callable[..., Program]) -> None:
    """ProxyJump: the connection that the host sees comes from the jump host's sshd."""
    server, hop = lan.start(), lan.start()
    jump(lan, server, [hop])
    program = make_program("import os\ndef main(request):\n    return {'from': os.environ['SSH_CONNECTION']}\n")

    answer = pool.host(Machine("dep01", {})).call(program, {})

    assert str(answer["from"]).endswith(f" 127.0.0.1 {server.port}")
    assert hop.kill_sessions() == 1


def test_two_jump_hosts_in_the_order_of_ssh(lan: Lan, pool: HostPool) -> None:
    """The first one named is the one that the controller connects to."""
    server, first, second = lan.start(), lan.start(), lan.start()
    jump(lan, server, [first, second])
    (second.folder / "authorized_keys").write_text("")

    with pytest.raises(UnreachableError, match="authentication failed"):
        pool.host(Machine("dep01", {})).run(["true"])
    first.stop()
    with pytest.raises(UnreachableError, match="it refused the connection"):
        pool.host(Machine("dep01", {})).run(["true"])


def test_the_key_of_a_jump_host_is_checked(lan: Lan, pool: HostPool) -> None:
    """An unknown jump host is as bad as an unknown host."""
    server, hop = lan.start(), lan.start(known=False)
    jump(lan, server, [hop])

    with pytest.raises(UnreachableError, match="its host key is not known"):
        pool.host(Machine("dep01", {})).run(["true"])


def test_a_wildcard_jump_does_not_jump_to_itself(lan: Lan, pool: HostPool) -> None:
    """`Host *` with a ProxyJump matches the jump host too; and `ProxyJump none` is no host."""
    server, hop = lan.start(), lan.start()
    config = f"Host jump\n  Port {hop.port}\nHost dep01\n  Port {server.port}\nHost direct\n  Port {server.port}\n"
    config += "  ProxyJump none\nHost *\n  HostName 127.0.0.1\n  ProxyJump jump\n"
    (lan.home / ".ssh" / "config").write_text(config)

    assert pool.host(Machine("dep01", {})).run(["true"]).exit_code == 0
    hop.stop()
    assert pool.host(Machine("direct", {})).run(["true"]).exit_code == 0


def test_a_connection_that_died_between_calls_is_opened_again(lan: Lan, ssh_host: Host) -> None:
    """Once, without a word."""
    assert ssh_host.run(["true"]).exit_code == 0
    assert lan.servers[0].kill_sessions() == 1

    assert ssh_host.run(["echo", "again"]).stdout == b"again\n"


def test_a_connection_that_dies_in_a_call_is_unreachable(ssh_host: Host) -> None:
    """The command is not run a second time: nobody knows how far it came."""
    script = 'echo >> "$HOME/runs"; sshd=$(ps -o ppid= -p $PPID); kill -KILL $sshd; sleep 600'
    with pytest.raises(UnreachableError, match=r"the connection to fra1-prod-dep01 was lost while sh ran there"):
        ssh_host.run(["sh", "-c", script], deadline=limit(60))

    assert ssh_host.run(["sh", "-c", 'wc -l < "$HOME/runs"']).stdout.strip() == b"1"


def test_what_is_held_is_free_when_the_link_dies(lan: Lan, ssh_host: Host, holder: Program) -> None:
    """The program sees the end of its input, and ends."""
    with ssh_host.hold(holder, {}) as answer:
        watch = os.pidfd_open(int(str(answer["pid"])))
        assert lan.servers[0].kill_sessions() == 1
        ended = poll(watch, seconds=limit(60))

    assert ended
    with ssh_host.hold(holder, {}):
        pass


def poll(descriptor: int, *, seconds: float) -> bool:
    """Whether the process ended in time."""
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_what_is_held_is_free_when_nothing_is_heard(
    ssh_host: Host, holder: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-dead link: connected, and silent."""
    monkeypatch.setattr("deployer.hosts.session.SILENCE", 0.2)
    with ssh_host.hold(holder, {}) as answer:
        assert poll(os.pidfd_open(int(str(answer["pid"]))), seconds=limit(60))


def test_signs_of_life_keep_what_is_held(ssh_host: Host, holder: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as they come, it is held."""
    monkeypatch.setattr("deployer.hosts.session.SILENCE", limit(1.5))
    monkeypatch.setattr("deployer.hosts.session.HEARTBEAT", 0.05)
    with ssh_host.hold(holder, {}) as answer:
        assert not poll(os.pidfd_open(int(str(answer["pid"]))), seconds=limit(2))


def test_one_connection_serves_many_calls(lan: Lan, ssh_host: Host) -> None:
    """Connecting costs more than calling."""
    for _ in range(3):
        ssh_host.run(["true"])

    assert lan.servers[0].kill_sessions() == 1


def test_a_login_script_that_talks_does_not_spoil_an_answer(
    ssh_host: Host, make_program: Callable[..., Program]
) -> None:
    """The answer is a marked line."""
    program = make_program("import os\nos.write(1, b'x')\ndef main(request):\n    return {}\n")

    assert ssh_host.call(program, {}) == {}
