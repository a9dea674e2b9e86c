"""Real hosts to roll out to, and the ways to do it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from deployer.app import Deployer, Silence, StopSwitch, SystemClock, Wanted
from deployer.model.plan import Target
from deployer.model.run import Outcome
from deployer.playbook.driver import AnsibleDriver
from deployer.playbook.inventory import inventory_text
from deployer.ports import PlaybookRun

TOP = Path(__file__).parents[2]
STOCK = Path(__file__).parent / "stock"
OPERATION = "instance-redeploy"
FORKS = 16
"""As many as our own driver has."""
WHOLE = """
import json, re, resource, sys
from deployer.cli.main import main
code = main(sys.argv[1:])
mine, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
# Not ru_maxrss of our own: it begins with what the process had that started us.
largest = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps([code, mine.ru_utime + mine.ru_stime, largest, children.ru_maxrss]))
"""


@dataclass(frozen=True)
class Whole:
    """One `deployer redeploy` as a process."""

    seconds: float
    sync: float
    """Seconds of it until the clone was in step."""
    cpu: float
    """Seconds of the controller's own processor time, without Ansible's."""
    memory: int
    """KiB: the controller's largest, and the largest of a process below it."""


@dataclass
class Lab:
    """A sandbox of real hosts."""

    folder: Path
    sites: tuple[str, ...]
    fence: int = 0
    kept: str = ""
    """Folder of connections that bare Ansible keeps from call to call."""

    @property
    def sandbox(self) -> Path:
        """Its files."""
        return self.folder / "state" / "sandboxes" / "bench"

    @property
    def environment(self) -> dict[str, str]:
        """Of every command."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME") if name in os.environ}
        state = {"DEPLOYER_STATE": str(self.folder / "state"), "DEPLOYER_SANDBOX": "bench", "LC_ALL": "C.UTF-8"}
        return {**kept, **state, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "PYTHONPATH": str(TOP)}

    def command(self, *argv: str | Path, **variables: str) -> str:
        """Run a command that must succeed."""
        environment = self.environment | variables
        words = [*map(str, argv)]
        done = subprocess.run(words, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    def deployer(self, *arguments: str) -> str:
        """Run `deployer`."""
        return self.command(sys.executable, "-m", "deployer", *arguments)

    def playbook_runs(self, version: str = "") -> tuple[PlaybookRun, ...]:
        """The playbook run of each site, with every target at a version; as its manifest asks when none is given."""
        # As the locks give them: the time, and never the same one twice.
        self.fence = max(self.fence + 1, int(time.time()))
        with Deployer(sandbox="bench") as deployer:
            plan = deployer.plan(Wanted(OPERATION, self.sites))
            operation = deployer.catalog.operation(OPERATION)
            return tuple(
                PlaybookRun(
                    run=f"bench-{self.fence}",
                    batch=batch.site,
                    playbook=operation.playbook,
                    inventory=deployer.inventory.source,
                    site=deployer.sites((batch.site,))[0],
                    targets=tuple(self._at(target, version or target.version) for target in batch.targets),
                    variables=plan.params,
                )
                for bucket in plan.buckets
                for batch in bucket.batches
            )

    def _at(self, target: Target, version: str) -> Target:
        return replace(target, version=version, fields={**target.fields, "version": version}, fence=self.fence)

    def ours(self, version: str) -> float:
        """Seconds that the driver takes for the playbook runs of all sites, one after the other."""
        runs = self.playbook_runs(version)
        with Deployer(sandbox="bench") as deployer:
            settings = deployer.settings
            driver = AnsibleDriver(self.folder / "runs", settings.ansible, settings.ssh, SystemClock())
            began = time.perf_counter()
            results = [result for run in runs for result in driver.run(run, Silence(), StopSwitch())]
            seconds = time.perf_counter() - began
        assert {result.outcome for result in results} <= {Outcome.CHANGED, Outcome.OK}, results
        return seconds

    def bare(self) -> float:
        """The same playbook by `ansible-playbook` alone, as the manifests ask, a call for each site side by side."""
        calls = []
        for run in self.playbook_runs():
            inventory = self.folder / f"bare-{run.batch}"
            inventory.write_text(inventory_text(run, run.targets))
            given = (
                "-e",
                json.dumps(dict(run.variables)),
                "-i",
                run.inventory,
                "-i",
                inventory,
                "--limit",
                "instances",
            )
            calls.append((*given, run.playbook))
        began = time.perf_counter()
        with ThreadPoolExecutor(len(calls)) as pool:
            list(pool.map(lambda call: self._ansible(*call), calls))
        return time.perf_counter() - began

    def stock(self, version: str) -> float:
        """The same work by a role of stock modules."""
        (run,) = self.playbook_runs(version)
        inventory = self.folder / "stock.yml"
        hosts = {
            target.instance: {
                **run.site.machines[target.host].variables,
                **_asked(target, 1000),
                "name": target.instance,
                "configuration": dict(target.value),
            }
            for target in run.targets
        }
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        return self._ansible("-i", inventory, STOCK / "playbook.yml")

    def _ansible(self, *arguments: str | Path) -> float:
        """As people set it up: pipelining, enough forks; connections are kept in a folder, a new one for each call.

        So each call opens its connections, as the first of a day does, and ours always does.
        """
        shipped = TOP / "playbooks"
        # Not in the tests' own folder, which is deep: a socket's path has 107 characters, and ssh needs 57 of them.
        sockets = self.kept or tempfile.mkdtemp(prefix="deployer-bench-", dir="/tmp")
        variables = {
            "ANSIBLE_LIBRARY": str(shipped / "library"),
            "ANSIBLE_MODULE_UTILS": str(shipped / "module_utils"),
            "ANSIBLE_ROLES_PATH": str(shipped / "roles"),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_SSH_RETRIES": "3",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
            "ANSIBLE_SSH_CONTROL_PATH": "%(directory)s/%%C",
            "ANSIBLE_LOCALHOST_WARNING": "False",
        }
        try:
            return self._timed("ansible-playbook", *arguments, **variables)
        finally:
            # The masters notice that their socket is gone, and end with their minute.
            if not self.kept:
                shutil.rmtree(sockets)

    def pyinfra(self, version: str) -> float:
        """The same work by pyinfra."""
        (run,) = self.playbook_runs(version)
        inventory = self.folder / "pyinfra_inventory.py"
        hosts = [(target.instance, self._pyinfra_data(run, target)) for target in run.targets]
        inventory.write_text(f"instances = {hosts!r}\n")
        return self._timed("pyinfra", "-y", inventory, STOCK / "deploy.py")

    def _pyinfra_data(self, run: PlaybookRun, target: Target) -> dict[str, object]:
        configuration = self.folder / f"{target.instance}.json"
        configuration.write_text(json.dumps(dict(target.value)))
        machine = run.site.machines[target.host]
        return {
            **_asked(target, 2000),
            "instance": target.instance,
            "configuration": str(configuration),
            "ssh_hostname": machine.text("ansible_host"),
            "ssh_user": machine.text("ansible_user"),
            "ssh_key": machine.text("ansible_ssh_private_key_file"),
            "ssh_config_file": str(self.sandbox / "ssh_config"),
            "ssh_known_hosts_file": str(self.sandbox / "known_hosts"),
            "ssh_strict_host_key_checking": "yes",
        }

    def _timed(self, *argv: str | Path, **variables: str) -> float:
        began = time.perf_counter()
        self.command(*argv, **variables)
        return time.perf_counter() - began

    def whole(self, *only: str) -> Whole:
        """`deployer redeploy` of every site as its manifests ask, or of some sites and instances."""
        began = time.perf_counter()
        said = self.command(sys.executable, "-c", WHOLE, "redeploy", *(only or self.sites), "--json")
        seconds = time.perf_counter() - began
        document, figures = json.JSONDecoder().raw_decode(said), json.loads(said.splitlines()[-1])
        assert figures[0] == 0, said[-4000:]
        return Whole(seconds, self._sync(document[0]["data"]), figures[1], figures[2] + figures[3])

    def _sync(self, run: dict[str, str]) -> float:
        """From the start of the run to its last news of a sync."""
        lines = self.deployer("logs", run["id"], "--json").splitlines()
        synced = [event["time"] for event in map(json.loads, lines) if event["kind"] == "sync"]
        return (datetime.fromisoformat(max(synced)) - datetime.fromisoformat(run["started"])).total_seconds()


def _asked(target: Target, offset: int) -> dict[str, str]:
    """What a manifest asks for; each way has ports of its own."""
    port = str(int(target.fields["port"]) + offset)
    return {"version": target.version, "application": target.fields["application"], "port": port}
