"""Ask Ansible what an inventory directory means."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deployer import surroundings
from deployer.errors import DeployerError, InventoryError, UnreachableError
from deployer.inventory import content
from deployer.model.json import JsonObject
from deployer.secrets.redactor import Redactor
from deployer.secrets.values import secrets_of_lines
from deployer.visible import quoted

SECONDS = 120.0
"""For one answer: dynamic inventories ask far away."""
ALLOWED = ("HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
"""What Ansible gets of our environment, besides its own `ANSIBLE_*`."""
FORCED = {
    # Ansible refuses the C locale, which cron has.
    "LC_ALL": "C.UTF-8",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_FORCE_COLOR": "false",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    # Half an inventory must not look like a small one.
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
}
LABEL = re.compile(r"^\[(ERROR|WARNING)\]: |^ERROR! ")


def command(python: str) -> str:
    """The `ansible-inventory` beside an interpreter, else the one on PATH."""
    beside = Path(python).parent / "ansible-inventory"
    path = surroundings.search_path(os.environ)
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("ansible-inventory", path=path)
    if found is None:
        raise DeployerError("ansible-inventory is not installed", hint="pip install ansible-core")
    return found


def environment(names: Sequence[str], config: Path | None = None) -> dict[str, str]:
    """What it gets: an allow-list, its own settings, and the variables that are asked for by name.

    Args:
        names: of those.
        config: the setting `ansible.config`.

    Raises:
        SettingsError: there is no such file, or a variable names a file by a relative path.
    """
    own = [name for name in os.environ if name.startswith("ANSIBLE_")]
    chosen = surroundings.chosen(os.environ, (*ALLOWED, *own, *names))
    return {**chosen, "ANSIBLE_CONFIG": surroundings.ansible_config(config, os.environ), **FORCED}


def identity(command: str, environment: Mapping[str, str]) -> str:
    """What an answer depends on besides the directory: which Ansible, its settings, its ansible.cfg."""
    stat = Path(command).stat()
    try:
        installed = version("ansible-core")
    except PackageNotFoundError:
        installed = ""
    own = sorted((name, value) for name, value in environment.items() if name.startswith("ANSIBLE_"))
    return json.dumps([command, stat.st_mtime_ns, stat.st_size, installed, own, _configuration(environment)])


def _configuration(environment: Mapping[str, str]) -> str:
    """The text of the ansible.cfg that counts."""
    place = Path(environment["ANSIBLE_CONFIG"])
    return place.read_text(encoding="utf-8", errors="replace") if place.is_file() else ""


def ask(command: str, environment: Mapping[str, str], directory: Path) -> JsonObject:
    """Ansible's answer.

    Raises:
        InventoryError: Ansible cannot read it; with Ansible's own words.
        UnreachableError: a dynamic source did not answer in time.
    """
    argv = [command, "-i", f"{directory}{os.sep}", "--list"]
    try:
        # In an empty folder: the one that somebody happens to be in may hold what Ansible reads, or runs.
        with tempfile.TemporaryDirectory(prefix="deployer-inventory-") as folder:
            done = subprocess.run(
                argv,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(f"the inventory {directory} did not answer within {SECONDS:.0f} s") from error
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        # Ansible quotes the lines around what it cannot read.
        said = Redactor(_secrets(directory)).text(said)
        raise InventoryError(f"Ansible cannot read the inventory {directory}: {first_line(said)}", hint=quoted(said))
    answer: JsonObject = json.loads(done.stdout)
    return answer


def _secrets(directory: Path) -> Iterator[str]:
    for path in content.files(directory):
        yield from secrets_of_lines(path.read_bytes().decode("utf-8", "replace"))


def first_line(said: str) -> str:
    """The line that tells most: where the fault is, before that something is wrong."""
    lines = [LABEL.sub("", line).strip() for line in said.splitlines() if line.strip()]
    place = next((line for line in lines if line.startswith("Origin: ") and "<" not in line), "")
    first = next((line for line in lines if not line.startswith(("Completely failed", "<<<"))), "")
    first = first or (lines[0] if lines else "it gave no reason")
    return f"{first} ({place.removeprefix('Origin: ')})" if place else first
