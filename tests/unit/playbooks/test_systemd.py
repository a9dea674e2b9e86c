"""systemd as the manager, against a recorder in its place: the order of calls and the text of the unit.

Real hosts with a real systemd are what the tests of the nspawn sandbox are for.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.release_switch.errors import ServiceError
from ansible.module_utils.release_switch.service import Definition
from ansible.module_utils.release_switch.systemd import Systemd, unit_file

UNIT = "instance-viatris.service"
RECORDER = """\
#!/bin/sh
echo "$*" >>"$0.calls"
case "$1" in {failing}) echo "no such thing" >&2; exit 3 ;; esac
case "$1" in
show) cat "$0.shown" ;;
enable) mkdir -p "{units}/multi-user.target.wants" && ln -sf "{units}/$3" "{units}/multi-user.target.wants/$3" ;;
disable) rm "{units}/multi-user.target.wants/$4" ;;
esac
"""
SHOW = f"show --property=LoadState,NeedDaemonReload,FragmentPath,DropInPaths {UNIT}"
RESTART = [f"reset-failed {UNIT}", f"restart {UNIT}"]


class Host:
    """A folder of units, and a program that notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.units = folder / "units"
        self.units.mkdir()
        self.program = folder / "systemctl"
        self.fail("none")
        self.has_read()

    def has_read(self, state: str = "loaded", is_old: str = "no", path: str = "", drop_ins: str = "") -> None:
        """What systemd says of the unit: how and from where it was loaded, and whether its file is another since."""
        said = {"LoadState": state, "NeedDaemonReload": is_old, "FragmentPath": path or str(self.units / UNIT)}
        lines = [f"{name}={value}" for name, value in {**said, "DropInPaths": drop_ins}.items()]
        self.program.with_name("systemctl.shown").write_text("\n".join(lines) + "\n")

    def fail(self, verb: str) -> None:
        """Let a verb fail from now on."""
        self.program.write_text(RECORDER.format(failing=verb, units=self.units))
        self.program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """What was asked for so far."""
        path = self.program.with_name("systemctl.calls")
        return path.read_text().splitlines() if path.exists() else []

    @property
    def manager(self) -> Systemd:
        """The code under test."""
        return Systemd(self.units, str(self.program))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host without the service."""
    return Host(tmp_path)


@pytest.fixture
def wanted() -> Definition:
    """A service whose words need care in a unit file."""
    argv = ("/srv/a b/bin/serve", "--port", "8101", "--configuration", '/srv/100%/$HOME/"x"\\.json')
    return Definition("instance-viatris", argv, Path("/srv/a b/100%"), Path("/srv/log"), "shop")


def test_unit_file(wanted: Definition) -> None:
    """Spaces, quotes, per cent and dollar signs reach the service as they are."""
    assert unit_file(wanted) == (
        "[Unit]\n"
        "Description=instance-viatris\n"
        "After=network-online.target\n"
        "Wants=network-online.target\n"
        "\n"
        "[Service]\n"
        'ExecStart="/srv/a b/bin/serve" "--port" "8101" "--configuration" "/srv/100%%/$$HOME/\\"x\\"\\\\.json"\n'
        "WorkingDirectory=/srv/a b/100%%\n"
        "User=shop\n"
        "Restart=on-failure\n"
        "RestartSec=1\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n"
    )


def test_start_resets_the_start_limit_first(host: Host, wanted: Definition) -> None:
    """The start limit is reset before the restart; a unit that never failed is fine."""
    host.fail("reset-failed")
    assert not host.manager.knows(wanted)
    host.manager.start(wanted)
    assert host.calls == ["daemon-reload", f"enable --quiet {UNIT}", *RESTART]
    assert host.manager.knows(wanted)


def test_a_unit_that_systemd_has_read_is_only_started_anew(host: Host, wanted: Definition) -> None:
    """Reading all units of a host again and enabling one cost it a quarter of a second: only where it is needed."""
    host.manager.start(wanted)
    first = len(host.calls)
    host.manager.start(wanted)
    assert host.calls[first:] == [SHOW, *RESTART]


@pytest.mark.parametrize(
    "said",
    [
        {"is_old": "yes"},
        {"state": "not-found"},
        {"state": "", "is_old": ""},
        {"path": f"/usr/lib/systemd/system/{UNIT}"},
    ],
)
def test_a_unit_that_systemd_has_not_read_is_read(host: Host, wanted: Definition, said: dict[str, str]) -> None:
    """A run was cut off behind the write of its file, another one has its name, or this systemd does not tell."""
    host.manager.start(wanted)
    first = len(host.calls)
    host.has_read(**said)
    host.manager.start(wanted)
    assert host.calls[first:] == [SHOW, "daemon-reload", *RESTART]


def test_a_drop_in_that_systemd_has_not_read_is_read(host: Host, wanted: Definition) -> None:
    """The first one of a unit goes unnoticed by many versions of systemd; once it is read it costs no more."""
    host.manager.start(wanted)
    drop_in = host.units / f"{UNIT}.d" / "limits.conf"
    drop_in.parent.mkdir()
    drop_in.touch()
    first = len(host.calls)
    host.manager.start(wanted)
    host.has_read(drop_ins=str(drop_in))
    host.manager.start(wanted)
    assert host.calls[first:] == [SHOW, "daemon-reload", *RESTART, SHOW, *RESTART]


def test_going_back_leaves_nothing_to_what_systemd_remembers(host: Host, wanted: Definition) -> None:
    """The start before did not help: a file with an older time than the one that was read looks the same to systemd."""
    host.manager.start(wanted)
    first = len(host.calls)
    switch = host.manager
    switch.start(wanted)
    switch.start(wanted)
    assert host.calls[first:] == [SHOW, *RESTART, "daemon-reload", *RESTART]


def test_a_unit_that_is_not_enabled_is_enabled(host: Host, wanted: Definition) -> None:
    """By its link on the disk, which somebody took away."""
    host.manager.start(wanted)
    first = len(host.calls)
    (host.units / "multi-user.target.wants" / UNIT).unlink()
    host.manager.start(wanted)
    assert host.calls[first:] == [SHOW, f"enable --quiet {UNIT}", *RESTART]


def test_failure_is_told_with_what_systemctl_said(host: Host, wanted: Definition) -> None:
    """The command, its exit code and its words are in the message."""
    host.fail("restart")
    with pytest.raises(ServiceError, match=f"^systemctl restart {UNIT} failed with 3: no such thing$"):
        host.manager.start(wanted)


def test_remove(host: Host, wanted: Definition) -> None:
    """A service is stopped before its unit goes; one that is not there is fine."""
    host.manager.remove(wanted.name)
    assert host.calls == []
    host.manager.start(wanted)
    host.manager.remove(wanted.name)
    assert host.calls[4:] == [f"disable --quiet --now {UNIT}", "daemon-reload", f"reset-failed {UNIT}"]
    assert [path for path in host.units.rglob("*") if not path.is_dir()] == []


def test_has_given_up(host: Host, wanted: Definition) -> None:
    """Only the exit code of `is-failed` says so."""
    assert host.manager.has_given_up(wanted.name)
    host.fail("is-failed")
    assert not host.manager.has_given_up(wanted.name)


def test_no_systemd(tmp_path: Path, wanted: Definition) -> None:
    """Where there is no systemctl that is what the message says."""
    with pytest.raises(ServiceError, match="systemctl daemon-reload failed: "):
        Systemd(tmp_path, str(tmp_path / "nowhere")).start(wanted)
