"""The demo: the main job, and what used to need a person, on a throwaway sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.cli import console
from deployer.cli.options import Context
from deployer.cli.stopping import terminated_as_by_keys
from deployer.errors import DeployerError, UsageError
from deployer.model.command import typed
from deployer.surroundings import PREFIX, inherited

if TYPE_CHECKING:
    from deployer.sandboxes import Sandbox

SITE = "fra1"
PERSON = "erin"
TRIES = 20
_PATIENCE = 30.0
"""Seconds for an instance to answer: it said that it is healthy a moment ago."""


class StepFailedError(DeployerError):
    """A command of the demo failed; what it said is on the screen already.

    Args:
        command: as it was typed.
        code: how it ended; a signal is negative, as `Popen.returncode` has it.
    """

    reason = "demo"

    def __init__(self, command: str, code: int) -> None:
        super().__init__(f"the demo ends here: {command} ended with {code}")
        self.exit_code = code if code > 0 else 128 - code


@dataclass(frozen=True, slots=True)
class Demo:
    """A sandbox, and the commands typed in it."""

    context: Context
    box: Sandbox

    def type(self, *arguments: str, cwd: Path | None = None, may_fail: bool = False) -> None:
        """Show a command as a person types it, run it, and let its output through.

        Raises:
            StepFailedError: it failed: what comes next needs it.
        """
        console.line()
        console.line(f"$ {typed(*arguments)}", bold=True)
        is_ours = arguments[0] == "deployer"
        # -P: a yaml.py in the folder that somebody happens to be in is not imported.
        own = [sys.executable, "-P", "-m", "deployer", *arguments[1:]] if is_ours else list(arguments)
        environment = _environment(cwd) if cwd else inherited(os.environ)
        # Of the programs of the demo only ours has a use for its settings.
        environment |= self._settings() if is_ours else {}
        with subprocess.Popen(own, cwd=cwd, env=environment, stdin=subprocess.DEVNULL) as process:
            try:
                code = process.wait()
            except BaseException:
                # It ends what it started; else that would write into the sandbox while it is removed.
                process.terminate()
                process.wait()
                raise
        if code and not may_fail:
            raise StepFailedError(typed(*arguments), code)

    def _settings(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        return given | {"DEPLOYER_SANDBOX": self.box.name}


def show(context: Context, name: str, *, keep: bool) -> None:
    """Build the sandbox, roll it out, let a person and the automation meet, and clean up.

    Raises:
        DeployerError: a step failed: the first one ends the demo.
    """
    with context.deployer() as deployer, terminated_as_by_keys():
        if name in {box.name for box in deployer.sandboxes.list()}:
            deployer.sandboxes.destroy(name)
        console.line(f"A sandbox: one site ({SITE}), three instances, real git, real Ansible, real services", bold=True)
        box = deployer.sandboxes.create(name, sites=(SITE,), instances=3)
        with _left(context, lambda: deployer.sandboxes.destroy(name), name, keep=keep), _told():
            _tell(Demo(context, box))


@contextmanager
def _left(context: Context, destroy: Callable[[], None], name: str, *, keep: bool) -> Iterator[None]:
    """Remove the sandbox at the end; when a step failed, that is what the person is told at last."""
    try:
        yield
    except BaseException:
        try:
            _leave(context, destroy, name, keep=keep)
        except DeployerError as error:
            context.say(f"deployer: {error.message}")
        raise
    _leave(context, destroy, name, keep=keep)


def _leave(context: Context, destroy: Callable[[], None], name: str, *, keep: bool) -> None:
    if keep:
        looked, removed = ("deployer", "status", "--sandbox", name), ("deployer", "sandbox", "destroy", name)
        context.say("", f"the sandbox stays: {typed(*looked)}; {typed(*removed)}")
    else:
        destroy()


@contextmanager
def _told() -> Iterator[None]:
    """What the system says of a file or a program is an error of the demo, in one sentence."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader left
    except OSError as error:
        raise DeployerError(f"the demo ends here: {error}") from error


def _tell(demo: Demo) -> None:
    _chapter("1. Roll out the site: every instance to the version in its manifest")
    demo.type("deployer", "redeploy", SITE)
    _answers(demo)
    _chapter("2. Once more: nothing changes")
    demo.type("deployer", "redeploy", SITE)
    _meet(demo)


def _chapter(text: str) -> None:
    console.line()
    console.line(text, fg="cyan", bold=True)


def _meet(demo: Demo) -> None:
    """A colleague has a commit in the clone, a person pushes, and the automation changes the same manifest at once."""
    clone = demo.box.folder / "hosts" / _deployer_host(demo.box) / "home" / "deployer" / f"clusterconfig-{SITE}"
    erin = demo.box.folder / "people" / PERSON / f"clusterconfig-{SITE}"
    _chapter("3. A person and the automation change viatris.xml at once")
    console.line(
        "A colleague committed on the deployer host and did not push; erin pushed a change of hers to the same file."
    )
    console.line("This is where a nightly job used to end (tried on a copy of the clone):")
    jonas = ("-c", "user.name=Jonas Okafor", "-c", "user.email=jonas.okafor@example.net")
    _edit(
        clone, '<workers min="2" max="8"/>', '<workers min="2" max="12"/>', "More workers for the quarter's end", *jonas
    )
    _git(erin, "pull", "-q", "--rebase")
    _edit(erin, 'max="12000" burst="400"', 'max="15000" burst="400"', "More requests for the autumn campaign")
    _git(erin, "push", "-q")
    _show_failure(demo, clone)
    console.lines("", "The same with deployer; erin pushes once more while it works:")
    # She has pushed when the context ends, also where the command failed.
    with ThreadPoolExecutor(1) as person:
        pushed = person.submit(_push_again, erin)
        demo.type("deployer", "configure", SITE, "viatris", "--set", "version=1.5.0")
    pushed.result()
    demo.type("deployer", "sync", SITE)
    demo.type(
        "git",
        "--no-pager",
        "log",
        "--graph",
        "--format=%h  %an  %s",
        "-5",
        "main",
        cwd=demo.box.folder / "remotes" / f"clusterconfig-{SITE}.git",
    )
    demo.type("git", "--no-pager", "status", "--short", "--branch", cwd=clone)
    demo.type("deployer", "redeploy", SITE, "viatris")
    _answers(demo)


def _show_failure(demo: Demo, clone: Path) -> None:
    """`git pull --no-edit` in a copy: the clone itself is not touched."""
    copy = clone.parent.parent / "copy-of-clone"
    shutil.copytree(clone, copy, symlinks=True)
    demo.type("git", "pull", "--no-edit", cwd=copy, may_fail=True)
    shutil.rmtree(copy)


def _push_again(erin: Path) -> None:
    """Erin's next change, pushed while the automation works; she pulls and tries again when she comes second."""
    _edit(
        erin,
        '<uploads max="50" unit="MiB"/>',
        '<uploads max="80" unit="MiB"/>',
        "Larger uploads for the catalogue team",
    )
    for _ in range(TRIES):
        if _git(erin, "push", "-q", check=False):
            return
        _git(erin, "pull", "-q", "--rebase")
    raise DeployerError(f"{PERSON}'s push came second {TRIES} times")


def _edit(clone: Path, before: str, after: str, subject: str, *identity: str) -> None:
    """Change a line of viatris.xml as a person does, and commit it."""
    manifest = clone / "viatris.xml"
    text = manifest.read_text(encoding="utf-8")
    if before not in text:
        raise UsageError(f"the demo's manifest has no {before}")
    manifest.write_text(text.replace(before, after), encoding="utf-8")
    _git(clone, *identity, "commit", "-q", "-m", subject, "--", "viatris.xml")


def _git(clone: Path, *arguments: str, check: bool = True) -> bool:
    done = subprocess.run(
        ["git", "-C", str(clone), *arguments], env=_environment(clone), capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise DeployerError(f"{typed('git', *arguments)} in {clone}: {done.stderr.strip()}")
    return done.returncode == 0


def _environment(clone: Path) -> dict[str, str]:
    """A git that is not touched by the settings of whoever runs the demo; in the home that the clone is in, if any."""
    homes = [folder for folder in clone.parents if folder.name == "home"]
    home = {"HOME": str(homes[0])} if homes else {}
    own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}
    return inherited(os.environ) | home | own


def _deployer_host(box: Sandbox) -> str:
    return next(folder.name for folder in (box.folder / "hosts").iterdir() if folder.name.startswith(SITE))


def _answers(demo: Demo) -> None:
    """Ask every instance over HTTP what it runs."""
    from deployer.app import Wanted

    console.line()
    with demo.context.deployer_of(demo.box.name) as deployer:
        targets = deployer.plan(Wanted("instance-redeploy", (SITE,))).targets
    for target in targets:
        url = f"http://127.0.0.1:{target.fields['port']}{target.fields['health']}"
        console.line(f"GET {url}  {_get(url)}")


def _get(url: str) -> str:
    # A proxy of the user's does not know the services of this machine.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=_PATIENCE) as answer:
            said = json.load(answer)
        return f"{said.get('instance', '')}: {said['status']}, version {said['version']}"
    except (OSError, HTTPException, ValueError, LookupError) as error:
        raise DeployerError(f"the demo ends here: {url} gives no answer of an instance: {error}") from error
