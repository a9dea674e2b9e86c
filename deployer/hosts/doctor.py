"""What a deployer host has and lacks: gathered by one small program there, judged here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

from deployer.errors import HelperFailedError, UnreachableError
from deployer.model.command import Command, File, Operand, Place, typed
from deployer.model.facts import Finding, Verdict
from deployer.model.json import JsonObject
from deployer.model.site import Repository, Site
from deployer.ports import Host
from deployer.resources import program
from deployer.secrets.redactor import Redactor
from deployer.secrets.values import secrets_in

GIT_NEEDED = (2, 39)
CLOCK_SECONDS = 5.0
"""A clock that is off by more confuses times in reports, and certificates."""
LITTLE, TOO_LITTLE = 1 << 30, 200 << 20
"""Bytes free on disk: below the first it will bite, below the second a fetch or an unpack fails."""
FEW_INODES, TOO_FEW_INODES = 20_000, 2_000
DEADLINE = 90.0
"""Seconds for all the looking."""

Facts = Mapping[str, Any]
"""What the helper answered: plain JSON whose keys are named in `remote_facts.main`."""


def examine(host: Host, site: Site) -> tuple[Finding, ...]:
    """Look at the deployer host of a site; what keeps us from looking is a finding as well. None holds a secret."""
    findings, urls = _examined(host, site)
    redactor = Redactor(secrets_in([site.repository.remote, urls, site.variables]))
    return tuple(
        dataclasses.replace(finding, text=redactor.text(finding.text), hint=redactor.text(finding.hint))
        for finding in findings
    )


def _examined(host: Host, site: Site) -> tuple[tuple[Finding, ...], str]:
    """The findings as they are, and the URL of the remote there."""
    repository = site.repository
    request: JsonObject = {"path": repository.path, "remote": repository.remote, "branch": repository.branch}
    before = time.time()
    try:
        answer = host.call(program("deployer.hosts.remote_facts"), request, deadline=DEADLINE)
    except UnreachableError as error:
        return (Finding("ssh", Verdict.BAD, error.message, "; ".join(error.hints)),), ""
    except HelperFailedError as error:
        return (Finding("python3", Verdict.BAD, error.message, "; ".join(error.hints)),), ""
    facts = cast("Facts", answer)
    return (*judge(facts, site), clock(facts, before, time.time())), str(facts["clone"]["url"] or "")


def judge(facts: Facts, site: Site) -> tuple[Finding, ...]:
    """What the facts mean, less the clock."""
    how = "steps run on this machine" if site.deployer_host.is_local else "reached"
    return (
        Finding("ssh", Verdict.GOOD, f"{how}, as {facts['user']}"),
        Finding("python3", Verdict.GOOD, f"Python {facts['python']}"),
        git(facts),
        identity(facts),
        keys(facts, site.repository),
        *disk(facts["disk"]),
        become(facts),
        *clone(facts["clone"], site),
    )


def git(facts: Facts) -> Finding:
    """There is a git, and it is new enough to merge in memory."""
    version = facts["git"]
    needed = ".".join(map(str, GIT_NEEDED))
    if version is None:
        return Finding("git", Verdict.BAD, "there is no git", f"install git {needed} or later")
    if version_of(version) < GIT_NEEDED:
        return Finding("git", Verdict.BAD, f"git {version} is too old", f"install git {needed} or later")
    return Finding("git", Verdict.GOOD, f"git {version}")


def version_of(text: str) -> tuple[int, ...]:
    """`2.39.5` -> (2, 39); what is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in text.split(".")[:2])


def identity(facts: Facts) -> Finding:
    """Git knows whose commits it makes."""
    if facts["identity"]:
        return Finding("identity", Verdict.GOOD, f"commits as {facts['identity']}")
    hint = "git config --global user.name … and user.email … there, or the setting `identity`"
    return Finding("identity", Verdict.BAD, "git does not know who commits", hint)


def keys(facts: Facts, repository: Repository) -> Finding:
    """Something to log in to the git server with, where that is needed."""
    url = facts["clone"]["url"] or repository.remote
    found = [*facts["keys"], *([f"{facts['agent']} in the agent"] if facts["agent"] else [])]
    if found:
        return Finding("keys", Verdict.GOOD, ", ".join(found))
    if not needs_key(url):
        return Finding("keys", Verdict.GOOD, "none, and none needed for this remote")
    hint = "ssh-keygen there, and give the public key to the git server; or forward your agent"
    return Finding("keys", Verdict.WARNING, "no ssh key in ~/.ssh, and no agent", hint)


def needs_key(url: str) -> bool:
    """Whether git talks ssh with this remote: `ssh://…` or `user@host:path`."""
    if "://" in url:
        return url.startswith(("ssh://", "git+ssh://"))
    return ":" in url.split("/", 1)[0]


def disk(facts: Facts) -> Iterator[Finding]:
    """Room for objects and releases."""
    free, inodes = int(facts["free"]), int(facts["free_inodes"])
    # Some file systems (btrfs, overlays) have no fixed number of inodes and say 0.
    counted = int(facts["total_inodes"]) > 0
    verdict = Verdict.GOOD
    if free < LITTLE or (counted and inodes < FEW_INODES):
        verdict = Verdict.WARNING
    if free < TOO_LITTLE or (counted and inodes < TOO_FEW_INODES):
        verdict = Verdict.BAD
    text = f"{free / (1 << 30):.1f} GiB free at {facts['path']}" + (f", {inodes} inodes" if counted else "")
    yield Finding("disk", verdict, text, "" if verdict is Verdict.GOOD else _room(facts["path"]))
    if not facts["writable"]:
        yield Finding(
            "disk", Verdict.BAD, f"{facts['path']} cannot be written", typed("ls", "-ld", "--", File(facts["path"]))
        )


def _room(path: str) -> str:
    return f"make room: {typed('df', '-h', '--', File(path))}"


def _git(path: str) -> Command:
    return ("git", "-C", Place(path))


def clock(facts: Facts, before: float, after: float) -> Finding:
    """How far its clock is from ours; half of the way there and back cannot be told from a difference."""
    began, ended = float(facts["began"]), float(facts["ended"])
    offset = ((began - before) + (ended - after)) / 2
    doubt = max(0.0, (after - before) - (ended - began)) / 2
    if abs(offset) - doubt > CLOCK_SECONDS:
        text = f"its clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} ours"
        return Finding("clock", Verdict.WARNING, text, "timedatectl; is a time service running on both?")
    return Finding("clock", Verdict.GOOD, f"within {abs(offset) + doubt:.1f} s of ours")


def become(facts: Facts) -> Finding:
    """Root without a password: needed for systemd services, not for a supervisor of the user's own."""
    if facts["become"]:
        return Finding("become", Verdict.GOOD, "root without a password")
    hint = "sudoers: NOPASSWD for this user; not needed with service_manager: supervisor"
    return Finding("become", Verdict.WARNING, "sudo -n true fails", hint)


def clone(facts: Facts, site: Site) -> Iterator[Finding]:
    """The clone and its remote."""
    repository = site.repository
    yield present(facts, site)
    if facts["repository"]:
        yield branch(facts, repository)
        yield from state(facts, repository)
    yield remote(facts, repository)


def present(facts: Facts, site: Site) -> Finding:
    """It is there, is a repository, and the one that is meant."""
    path, wanted = site.repository.path, site.repository.remote
    if not facts["exists"]:
        hint = typed("deployer", "sync", site.name, "--clone-missing")
        return Finding("clone", Verdict.BAD, f"{path} does not exist", hint)
    if not facts["repository"]:
        said = facts.get("error") or "it is part of another repository"
        return Finding(
            "clone", Verdict.BAD, f"{path} is not a git repository ({said})", typed("ls", "-la", "--", Place(path))
        )
    if wanted and facts["url"] != wanted:
        text = f"{path} is a clone of {facts['url'] or 'nothing'}, the inventory says {wanted}"
        return Finding("clone", Verdict.BAD, text, typed(*_git(path), "remote", "set-url", "origin", Operand(wanted)))
    if not facts["writable"]:
        return Finding(
            "clone", Verdict.BAD, f"{path}/.git cannot be written", typed("ls", "-ld", "--", Place(f"{path}/.git"))
        )
    return Finding("clone", Verdict.GOOD, f"{path} of {facts['url'] or 'no remote'}")


def branch(facts: Facts, repository: Repository) -> Finding:
    """It is on its branch."""
    hint = typed(*_git(repository.path), "checkout", Operand(repository.branch), "--")
    if facts["branch"] is None:
        return Finding("branch", Verdict.BAD, "HEAD is detached", hint)
    if facts["branch"] != repository.branch:
        return Finding("branch", Verdict.BAD, f"on {facts['branch']}, not on {repository.branch}", hint)
    return Finding("branch", Verdict.GOOD, f"on {repository.branch}")


def state(facts: Facts, repository: Repository) -> Iterator[Finding]:
    """What a person left in it."""
    status = typed(*_git(repository.path), "status")
    if facts["in_progress"]:
        yield Finding("state", Verdict.BAD, f"{' and '.join(facts['in_progress'])} is in progress", status)
    if facts["index_lock"]:
        lock = Place(f"{repository.path}/.git/index.lock")
        hint = f"is an editor or a git open there? else: {typed('rm', '-i', '--', lock)}"
        yield Finding("state", Verdict.WARNING, "index.lock is there", hint)
    if facts["dirty"] is None:
        yield Finding("state", Verdict.BAD, "git status fails", status)
    elif facts["dirty"]:
        yield Finding("state", Verdict.WARNING, f"{facts['dirty']} files with edits that are not committed", status)
    elif not facts["in_progress"]:
        yield Finding("state", Verdict.GOOD, "nothing uncommitted")


def remote(facts: Facts, repository: Repository) -> Finding:
    """The remote answers, and has the branch."""
    answers, url = facts["answers"], facts["url"] or repository.remote
    if answers is None:
        return Finding("remote", Verdict.BAD, "no remote is known", "set config_repository.remote in the inventory")
    if answers["exit_code"] == 0:
        return Finding("remote", Verdict.GOOD, f"answers, {repository.branch} is at {answers['tip'][:10]}")
    if answers["exit_code"] == 2:  # noqa: PLR2004  git's own code for "answers, and has no such branch"
        return Finding(
            "remote", Verdict.BAD, f"{url} has no branch {repository.branch}", typed("git", "ls-remote", Operand(url))
        )
    said = answers["error"] or f"exit code {answers['exit_code']}"
    return Finding("remote", Verdict.BAD, f"{url} does not answer: {said}", typed("git", "ls-remote", Operand(url)))
