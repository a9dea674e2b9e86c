"""What ansible-playbook is given: arguments, environment, ssh connections. Nothing is started here."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from deployer import surroundings
from deployer.model.plan import Target
from deployer.model.site import Machine, Site
from deployer.playbook.inventory import interleaved, placement
from deployer.playbook.job import Job, Places
from deployer.playbook.vault import source_of
from deployer.ports import PlaybookRun
from deployer.settings import AnsibleSettings, SshSettings

PASSED = (
    "HOME",
    "USER",
    "LOGNAME",
    "SSH_AUTH_SOCK",
    "TMPDIR",
    "KRB5CCNAME",
    "ANSIBLE_COLLECTIONS_PATH",
    "ANSIBLE_VAULT_PASSWORD_FILE",
    "ANSIBLE_VAULT_IDENTITY_LIST",
    "ANSIBLE_PRIVATE_KEY_FILE",
    "ANSIBLE_REMOTE_USER",
)
"""The variables of the user's environment that Ansible gets; `ansible.environment` names more (doc/driver.md)."""
_ROLES = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
_TEMPLATE = "{{"


def arguments(playbook: PlaybookRun, private: Path, limit: Path, forks: int) -> tuple[str, ...]:
    """The arguments for ansible-playbook, besides inventories and playbook.

    Args:
        playbook: the run.
        private: its folder, with the file `variables.yml`.
        limit: the file with the targets' names; a path without a space.
        forks: targets at the same time.

    Raises:
        UsageError: a vault id asks for a prompt: nobody is asked in a run.
    """
    found = ["--limit", f"@{limit}", "--forks", str(forks)]
    if playbook.variables:
        found += ["--extra-vars", f"@{private / 'variables.yml'}"]
    found += [flag for flag, wanted in _flags(playbook).items() if wanted]
    for option, values in (("--tags", playbook.options.tags), ("--skip-tags", playbook.options.skip_tags)):
        found += [option, ",".join(values)] if values else []
    for vault_id in playbook.options.vault_ids:
        source_of(vault_id)
        found += ["--vault-id", vault_id]
    return (*found, *playbook.options.raw)


def _flags(playbook: PlaybookRun) -> Mapping[str, bool]:
    return {
        "--check": playbook.options.check,
        "--diff": playbook.options.diff,
        "--become": playbook.options.become,
        "-" + "v" * playbook.options.verbosity: playbook.options.verbosity > 0,
    }


def forks(targets: Sequence[Target], site: Site, wanted: int, per_host: int) -> int:
    """How many targets to work on at the same time.

    An sshd refuses more than ten sessions on one connection, and connections beyond its start limit. Ansible takes the
    targets in the order of the inventory, which goes round their hosts: so in no stretch of this length are there more
    than `per_host` of one host behind SSH.
    """
    order = [target.host for target in interleaved(targets)]
    local = {host for host in order if site.machines.get(host, Machine(host, {})).is_local}
    most = min(wanted, max(len(order), 1))
    while most > per_host and _crowd(order, most, local) > per_host:
        most -= 1
    return most


def _crowd(order: Sequence[str], length: int, local: set[str]) -> int:
    """The most targets of one remote host in any stretch of this length."""
    stretches = (order[start : start + length] for start in range(len(order) - length + 1))
    counts = (Counter(host for host in stretch if host not in local) for stretch in stretches)
    return max((max(count.values(), default=0) for count in counts), default=0)


def environment(
    environ: Mapping[str, str],
    playbook: str,
    shipped: Path,
    job: Job | Places,
    settings: tuple[AnsibleSettings, SshSettings],
) -> dict[str, str]:
    """The whole environment of the child and of Ansible.

    Args:
        environ: the user's environment; only names that are allowed are taken from it.
        playbook: its folder's folder holds `library/`, `module_utils/` and `roles/`.
        shipped: our own folder of playbooks.
        job: the run, or its folders.
        settings: of Ansible and of SSH.

    Raises:
        SettingsError: the setting `ansible.config` names no file, or a variable names a file by a relative path.
    """
    ansible, ssh = settings
    tops = list(dict.fromkeys((str(Path(playbook).parent.parent), str(shipped))))
    passed = surroundings.chosen(environ, (*PASSED, *ansible.environment))
    return passed | {
        # Our own interpreter's folder first: ansible-runner takes ansible-playbook from PATH and fails without a word.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), passed["PATH"])),
        # Always set: Ansible would look for one in the folder that it runs in.
        "ANSIBLE_CONFIG": surroundings.ansible_config(ansible.config, environ),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_LIBRARY": _under(tops, "library"),
        "ANSIBLE_MODULE_UTILS": _under(tops, "module_utils"),
        "ANSIBLE_ROLES_PATH": os.pathsep.join((_under(tops, "roles"), *_ROLES)),
        "ANSIBLE_LOCAL_TEMP": str(Path(job.private) / "tmp"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_SSH_RETRIES": "3",
        "ANSIBLE_SSH_ARGS": shlex.join(ssh_arguments(ssh)),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": job.sockets,
        "ANSIBLE_SSH_CONTROL_PATH": "%(directory)s/%%C",
        "ANSIBLE_TIMEOUT": str(max(1, round(ssh.connect_timeout))),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_NOCOWS": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_STDOUT_CALLBACK": "default",
    }


def _under(tops: Sequence[str], name: str) -> str:
    return os.pathsep.join(str(Path(top) / name) for top in tops)


def ssh_arguments(ssh: SshSettings) -> tuple[str, ...]:
    """Options of every ssh that Ansible starts, unless the inventory sets its own `ansible_ssh_args`."""
    options = ["-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", "StrictHostKeyChecking=yes"]
    # An unattended run learns no keys: the user's known_hosts stays as it is.
    options += ["-o", "UpdateHostKeys=no"]
    # A host that lost its power in mid-playbook says nothing: without these, ssh waits for it for a quarter of an hour.
    options += ["-o", f"ServerAliveInterval={max(1, round(ssh.connect_timeout))}", "-o", "ServerAliveCountMax=3"]
    if ssh.known_hosts:
        files = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", ssh.known_hosts)
        options += ["-o", "UserKnownHostsFile=" + " ".join(f'"{name}"' if " " in name else name for name in files)]
    return tuple(options)


def masters(targets: Sequence[Target], site: Site, ssh: SshSettings, sockets: str) -> tuple[tuple[str, ...], ...]:
    """One command for each remote machine, which opens the connection that all its targets then share.

    The options that make up the name of the socket (`%C`: host, port, user, jump hosts) are those that Ansible gives.
    A machine whose variables are templates or vaulted is left to Ansible.
    """
    machines = {target.host: placement(site, target) for target in targets}
    commands = (_master(machine, ssh, sockets) for machine in machines.values() if _is_ssh(machine))
    return tuple(command for command in commands if command)


def _is_ssh(machine: Machine) -> bool:
    return machine.text("ansible_connection", "ssh") in {"ssh", "smart", "ansible.builtin.ssh"}


def _master(machine: Machine, ssh: SshSettings, sockets: str) -> tuple[str, ...]:
    found = ssh_to(machine, ssh)
    # The options that make up the name of the socket (`%C`: host, port, user, jump hosts) are Ansible's too.
    if not found:
        return ()
    ours = ("-o", "BatchMode=yes", "-o", f"ControlPath={sockets}/%C")
    return ("ssh", *ours, *found[:-1], "-f", "-N", found[-1])


def ssh_to(machine: Machine, ssh: SshSettings) -> tuple[str, ...]:
    """The options and the address with which Ansible's ssh reaches a machine.

    Empty where Ansible alone knows: a variable of the machine is a template or vaulted.
    """
    names = ("host", "port", "user", "ssh_private_key_file", "ssh_common_args", "ssh_extra_args", "ssh_args")
    values = {name: machine.variables.get(f"ansible_{name}") for name in names}
    if any(isinstance(value, Mapping) or _TEMPLATE in str(value) for value in values.values()):
        return ()
    texts = {name: "" if value is None else str(value) for name, value in values.items()}
    options = shlex.split(texts["ssh_args"]) if texts["ssh_args"] else list(ssh_arguments(ssh))
    for option, name in (("Port", "port"), ("User", "user"), ("IdentityFile", "ssh_private_key_file")):
        options += ["-o", f'{option}="{texts[name]}"'] if texts[name] else []
    options += [*shlex.split(texts["ssh_common_args"]), *shlex.split(texts["ssh_extra_args"])]
    timeout = max(1, round(ssh.connect_timeout))
    return ("-o", f"ConnectTimeout={timeout}", *options, texts["host"] or machine.name)
