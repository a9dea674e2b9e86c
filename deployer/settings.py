"""Every setting, with its type, unit, default and meaning: one tree, validated, and where each value came from.

Later sources win: defaults, `/etc/deployer/settings.toml`, `settings.toml` in the user's config folder, the file that
`DEPLOYER_SETTINGS` names, `DEPLOYER_*` variables (`DEPLOYER_SYNC__ATTEMPTS=5` for `sync.attempts`), the command line.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from deployer.errors import SettingsError, UsageError
from deployer.resources import setting_files, user_folder
from deployer.surroundings import PREFIX

SHARED_STATE = Path("/var/lib/deployer")
_NOT_SETTINGS = frozenset({"DEPLOYER_SETTINGS"})


def _whole(path: Path) -> Path:
    """A relative path in a setting would mean another place in each folder that deployer is started in."""
    whole = Path(os.path.expanduser(path))  # noqa: PTH111  it never fails
    if not whole.is_absolute():
        raise ValueError("it must be a whole path, or begin with ~")
    return whole


WholePath = Annotated[Path, AfterValidator(_whole)]


def _words(value: object) -> object:
    """`A,B` of a variable as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SyncSettings(_Section):
    """How a clone and its remote are brought together."""

    attempts: int = Field(default=20, ge=1, le=100)
    """Tries to land on a branch that others push to, before the sync is left for later."""
    seconds: float = Field(default=90.0, gt=0)
    """Deadline of one sync, retries included, in seconds."""
    first_wait: float = Field(default=0.2, ge=0)
    """Upper bound of the first random wait after a lost race, in seconds; doubled for each further one."""
    longest_wait: float = Field(default=2.0, ge=0)
    """No random wait is longer, in seconds."""
    network_attempts: int = Field(default=3, ge=1, le=20)
    """Tries when the remote does not answer."""
    combine_window: float = Field(default=0.2, ge=0, le=5)
    """How long changes to one clone are gathered for one push while more come in, in seconds; 0: each by itself."""
    side_by_side: int = Field(default=30, ge=1, le=200)
    """Sites that are synced at the same time."""
    snapshots: int = Field(default=50, ge=1, le=1000)
    """Snapshots that are kept of each clone, at most; `deployer undo` goes back to them."""
    snapshot_days: float = Field(default=30.0, gt=0)
    """Days after which a snapshot is dropped, the newest one excepted."""
    most_files: int = Field(default=100_000, ge=1)
    """Files that a revision may have."""
    most_depth: int = Field(default=64, ge=1, le=400)
    """Folders in folders that a revision may have."""
    most_size: int = Field(default=2048, ge=1)
    """MiB that the files of a revision may have together, as far as they are new to the clone."""
    most_manifests: int = Field(default=64, ge=1)
    """MiB that the manifests of a revision may have together."""


class SshSettings(_Section):
    """How deployer hosts are reached. What ~/.ssh/config says of a host holds as well."""

    connect_timeout: float = Field(default=10.0, gt=0)
    """Seconds. A host that says nothing for three times as long in mid-playbook is given up."""
    known_hosts: str = ""
    """A file of host keys besides the user's own; an unknown or changed key is always an error."""
    most_memory: int = Field(default=2048, ge=64)
    """MiB of memory that our helper on a deployer host may use, and each git that it starts."""
    most_answer: int = Field(default=256, ge=1)
    """MiB that a command on a deployer host may print."""

    @field_validator("known_hosts")
    @classmethod
    def _is_whole(cls, file: str) -> str:
        return str(_whole(Path(file))) if file else file


class AnsibleSettings(_Section):
    """How playbooks are run."""

    forks: int = Field(default=16, ge=1, le=500)
    """Targets that Ansible works on at the same time."""
    per_host: int = Field(default=8, ge=1, le=100)
    """Instances of one deployer host at the same time: its sshd refuses more sessions on one connection."""
    environment: tuple[str, ...] = ()
    """Names of variables that Ansible gets besides the few that it needs; from a `DEPLOYER_` variable: `A,B`."""

    config: WholePath | None = None
    """The ansible.cfg for every program of Ansible; else ANSIBLE_CONFIG, ~/.ansible.cfg, /etc/ansible/ansible.cfg."""

    @field_validator("environment", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _words(value)


class CheckSettings(_Section):
    """How the checks of live instances are run."""

    seconds: float = Field(default=30.0, gt=0)
    """Deadline of one check of one instance, in seconds."""
    side_by_side: int = Field(default=8, ge=1, le=100)
    """Hosts that are checked at the same time."""


class AttentionSettings(_Section):
    """Who is told when a person is needed: each piece of manual work once."""

    command: tuple[str, ...] = ()
    """A command and its arguments; it gets the report on its standard input. From a `DEPLOYER_` variable: `A,B`."""
    webhook: SecretStr | None = None
    """A URL that gets a POST with JSON: `{"schema", "text", "work"}`. It is never shown."""
    seconds: float = Field(default=20.0, gt=0)
    """Deadline of each, in seconds."""

    @field_validator("command", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _words(value)

    @field_validator("command")
    @classmethod
    def _is_not_relative(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if command and os.sep in command[0]:
            return (str(_whole(Path(command[0]))), *command[1:])
        return command


class Settings(_Section):
    """The settings of deployer."""

    environment: str = "production"
    """The environment that is meant when `-i` is not given: a folder of `inventories`."""
    inventories: WholePath | None = None
    """Your folder of inventories, one folder per environment."""
    playbooks: WholePath | None = None
    """Your folder of operations; it comes before the shipped one."""
    sandbox: str = ""
    """The sandbox to work in, as `--sandbox`."""
    state: WholePath | None = None
    """Where runs and logs are kept: /var/lib/deployer where it can be written, else the user's state folder."""
    store: str = ""
    """SQLAlchemy URL of the record of runs; a SQLite file in `state` when not set."""
    identity: str = ""
    """`Name <mail>` of the commits of automation; the deployer host's own identity when not set."""
    sync: SyncSettings = SyncSettings()
    ssh: SshSettings = SshSettings()
    ansible: AnsibleSettings = AnsibleSettings()
    checks: CheckSettings = CheckSettings()
    on_attention: AttentionSettings = AttentionSettings()

    @property
    def state_folder(self) -> Path:
        """Where runs, logs and sandboxes are kept."""
        if self.state is not None:
            return self.state
        shared = SHARED_STATE.is_dir() and os.access(SHARED_STATE, os.W_OK)
        return SHARED_STATE if shared else user_folder("state")


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting, its value, and where the value came from."""

    name: str
    value: object
    origin: str


def overrides(*, sandbox: str = "", inventory: str = "", environment: str = "") -> Mapping[str, object]:
    """What the options that say where to work mean for the settings: they win over variables and files.

    Raises:
        UsageError: two of them are given, which are two places.
    """
    given = {"--sandbox": sandbox, "-i": inventory, "-E": environment}
    if len(named := [f"{option} {value}" for option, value in given.items() if value]) > 1:
        raise UsageError(f"{' and '.join(named)} are different places to work in", hint="give one of them")
    if inventory or environment:
        # The sandbox of DEPLOYER_SANDBOX or of a file is not meant.
        return {"sandbox": ""} | ({"environment": environment} if environment else {})
    return {"sandbox": sandbox} if sandbox else {}


def load(
    environ: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> tuple[Settings, tuple[Origin, ...]]:
    """Read all sources.

    Args:
        environ: the process's environment variables.
        overrides: values from the command line; they win.

    Raises:
        SettingsError: a key is unknown or a value cannot be used; every such place is named.
    """
    origins: dict[str, str] = {}
    merged: dict[str, Any] = {}
    for name, values in _sources(environ, overrides or {}):
        origins.update(dict.fromkeys(_flat(values), name))
        _merge(merged, values)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_sentence(error, origins), hint="deployer settings shows every setting") from error
    return settings, tuple(
        Origin(name, value, origins.get(name, "default")) for name, value in _flat(settings.model_dump()).items()
    )


def _sources(environ: Mapping[str, str], overrides: Mapping[str, object]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in setting_files(environ):
        if path.is_file():
            yield str(path), _read(path)
    yield "environment", _from_environment(environ)
    yield "command line", dict(overrides)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`DEPLOYER_*` as a tree; a name that is no setting is kept, so that validation names it."""
    tree: dict[str, Any] = {}
    for name, value in environ.items():
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS:
            *sections, key = name.removeprefix(PREFIX).lower().split("__")
            branch = tree
            for section in sections:
                branch = branch.setdefault(section, {})
            branch[key] = value
    return tree


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return flat


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _sentence(error: ValidationError, origins: Mapping[str, str]) -> str:
    places = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        where = origins.get(name, "")
        unknown = problem["type"] == "extra_forbidden"
        said = "there is no such setting" if unknown else str(problem["msg"]).lower()
        places.append(f"{name}: {said}" + (f" (from {where})" if where else ""))
    return "; ".join(places)
