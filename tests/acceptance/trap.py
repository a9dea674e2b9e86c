"""A folder with everything in it that the tools of deployer read from the current folder."""

from __future__ import annotations

from pathlib import Path

PLUGINS = ("action", "become", "cache", "callback", "connection", "filter", "inventory", "lookup", "strategy", "vars")
MODULES = (
    "ansible",
    "ansible_runner",
    "click",
    "fabric",
    "git",
    "lxml",
    "paramiko",
    "platformdirs",
    "pydantic",
    "pytest",
    "rich",
    "sqlalchemy",
    "testinfra",
    "tomllib",
    "yaml",
)
PROGRAMS = ("ansible", "ansible-inventory", "ansible-playbook", "env", "git", "ps", "python3", "sh", "ssh", "sudo")
SETTINGS = 'environment = "trap"\nsandbox = "trap"\n[on_attention]\ncommand = ["./git"]\n'
PYTEST = "addopts = -p trap_plugin\n"


class Trap:
    """The folder, and which of its files were run.

    Args:
        folder: to make and fill.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._marks = folder.with_name(f"{folder.name}-marks")
        self._marks.mkdir()
        folder.mkdir()
        self._ansible()
        self._python()
        self._git()
        self._settings()
        for name, code in (*((program, 97) for program in PROGRAMS), (".vault_pass", 0)):
            text = f"#!/bin/sh\n: >'{self._marks}/program {name}'\necho password\nexit {code}\n"
            self._write(name, text).chmod(0o755)

    @property
    def sprung(self) -> list[str]:
        """What was run."""
        return sorted(path.name for path in self._marks.iterdir())

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _code(self, name: str) -> None:
        """A Python file that leaves a mark when it is imported."""
        mark = str(self._marks / f"python {name.replace('/', ' ')}")
        self._write(name, f"open({mark!r}, 'w').close()\n")

    def _ansible(self) -> None:
        folders = "".join(f"{kind}_plugins = ./p\n" for kind in PLUGINS)
        more = "library = ./library\nmodule_utils = ./module_utils\nroles_path = ./roles\n"
        more += "vault_password_file = .vault_pass\n"
        text = f"[defaults]\n{folders}{more}callbacks_enabled = trap\n[inventory]\nenable_plugins = trap\n"
        for name in ("ansible.cfg", ".ansible.cfg"):
            self._write(name, text)
        for folder in ("p", "library", *(f"{kind}_plugins" for kind in PLUGINS)):
            self._code(f"{folder}/trap.py")
        self._code("library/instance_release.py")
        self._code("module_utils/release_switch.py")
        for folder in ("group_vars", "host_vars"):
            self._write(f"{folder}/all.yml", "deployer_environment: trap\nansible_connection: trap\n")
        self._write("roles/instance/tasks/main.yml", f"- command: touch '{self._marks}/role'\n")
        self._code("collections/ansible_collections/community/general/plugins/vars/trap.py")

    def _python(self) -> None:
        for name in MODULES:
            self._code(f"{name}.py")
        for name in ("conftest.py", "trap_plugin.py", "test_trap.py", "tasks.py", "fabfile.py"):
            self._code(name)
        self._write("pytest.ini", f"[pytest]\n{PYTEST}")
        self._write("tox.ini", f"[pytest]\n{PYTEST}")
        self._write("setup.cfg", f"[tool:pytest]\n{PYTEST}")
        self._write("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-p trap_plugin"\n')
        self._write("fabric.yaml", "run: {shell: ./sh}\n")

    def _git(self) -> None:
        """The folder is a clone, and could be a bare repository as well."""
        program = f"touch '{self._marks}/git configuration'; false"
        text = "[core]\n" + "".join(
            f'\t{name} = "{program}"\n' for name in ("fsmonitor", "sshCommand", "pager", "editor", "askPass")
        )
        text += f'[diff]\n\texternal = "{program}"\n[pager]\n\tmerge-file = "{program}"\n[filter "trap"]\n'
        text += f'\tclean = "{program}"\n\tsmudge = "{program}"\n[core]\n\thooksPath = hooks\n'
        for top in (".git/", ""):
            self._write(f"{top}HEAD", "ref: refs/heads/main\n")
            self._write(f"{top}config", f"[core]\n\trepositoryformatversion = 0\n{text}")
            for name in ("objects", "refs"):
                (self.folder / top / name).mkdir()
            for name in ("pre-push", "reference-transaction", "post-index-change"):
                self._write(f"{top}hooks/{name}", f"#!/bin/sh\n{program}\n").chmod(0o755)
        self._write(".gitattributes", "* filter=trap\n")

    def _settings(self) -> None:
        for name in ("settings.toml", "deployer.toml", ".config/deployer/settings.toml"):
            self._write(name, SETTINGS)
        self._write(".env", "DEPLOYER_ENVIRONMENT=trap\n")
        self._write(".ssh/config", "Host *\n\tProxyCommand ./sh\n")
