"""What doctor says of a deployer host, with real git on both sides."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployer.hosts.doctor import examine
from deployer.hosts.factory import HostPool
from deployer.model.facts import Finding, Verdict
from deployer.model.site import Machine, Repository, Site
from deployer.ports import Host

GOOD, WARNING, BAD = Verdict.GOOD, Verdict.WARNING, Verdict.BAD


def git(*arguments: str | Path) -> None:
    """Run git with an identity."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.net")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(deployer_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone at its place in the home, of a bare remote with one commit on main."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (deployer_home / ".gitconfig").write_text("[user]\nname = prod-deployer\nemail = d@example.net\n")
    remote, path = tmp_path / "remote.git", deployer_home / "deployer" / "clusterconfig-fra1"
    git("init", "-q", "--bare", "-b", "main", remote)
    git("clone", "-q", remote, path)
    (path / "viatris.xml").write_text("<instance/>\n")
    git("-C", path, "checkout", "-q", "-B", "main")
    git("-C", path, "add", ".")
    git("-C", path, "commit", "-q", "-m", "one")
    git("-C", path, "push", "-q", "origin", "main")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with that clone."""
    repository = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1", str(tmp_path / "remote.git"))
    return Site("production", "fra1", Machine("fra1-prod-dep01", {}), repository)


def by_check(findings: tuple[Finding, ...]) -> Mapping[str, Finding]:
    """The findings by what was looked at."""
    return {finding.check: finding for finding in findings}


def test_a_look_starts_no_program_of_the_clone(host: Host, clone: Path, site: Site, tmp_path: Path) -> None:
    """What core.fsmonitor names is not run."""
    git("-C", clone, "config", "core.fsmonitor", f"touch '{tmp_path}/ran'; false")

    findings = by_check(examine(host, site))

    assert findings["state"].verdict is GOOD
    assert not (tmp_path / "ran").exists()


def test_a_host_that_has_all(host: Host, clone: Path, site: Site) -> None:
    """Nothing is bad, and every check is there."""
    del clone
    findings = by_check(examine(host, site))

    assert [finding for finding in findings.values() if finding.verdict is BAD] == []
    assert list(findings) == [
        "ssh", "python3", "git", "identity", "keys", "disk", "become", "clone", "branch", "state", "remote", "clock",
    ]  # fmt: skip
    assert findings["identity"].text == "commits as prod-deployer <d@example.net>"
    assert findings["clone"].text.startswith("~/deployer/clusterconfig-fra1 of /")


def break_rebase(clone: Path) -> None:
    """Somebody is in the middle of a rebase."""
    (clone / ".git" / "rebase-merge").mkdir()


def break_remote(clone: Path) -> None:
    """Another remote, which is nowhere."""
    git("-C", clone, "remote", "set-url", "origin", str(clone / "nowhere"))


BROKEN: dict[str, tuple[Callable[[Path], object], str, Verdict, str]] = {
    "missing": (lambda clone: clone.rename(clone.with_name("away")), "clone", BAD, "does not exist"),
    "a file": (lambda clone: (clone.rename(clone.with_name("away")), clone.write_text("")), "clone", BAD, "is not a"),
    "no repository": (lambda clone: (clone / ".git").rename(clone / "git"), "clone", BAD, "is not a git repository"),
    "another remote": (break_remote, "clone", BAD, "the inventory says"),
    "remote gone": (break_remote, "remote", BAD, "does not answer"),
    "detached": (lambda clone: git("-C", clone, "checkout", "-q", "--detach"), "branch", BAD, "HEAD is detached"),
    "other branch": (lambda clone: git("-C", clone, "checkout", "-q", "-b", "x"), "branch", BAD, "on x, not on main"),
    "rebase": (break_rebase, "state", BAD, "a rebase is in progress"),
    "dirty": (lambda clone: (clone / "viatris.xml").write_text("<i/>"), "state", WARNING, "1 files with edits"),
    "no identity": (lambda clone: (clone.parents[1] / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n"),
                    "identity", BAD, "does not know who commits"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_each_lack_is_a_finding(pool: HostPool, deployer_home: Path, clone: Path, site: Site, case: str) -> None:
    """With its verdict, and with what mends it."""
    break_it, check, verdict, text = BROKEN[case]
    break_it(clone)
    host = pool.host(Machine("fra1-prod-dep01", {"ansible_connection": "local", "deployer_home": str(deployer_home)}))

    found = [finding for finding in examine(host, site) if finding.check == check and finding.verdict is verdict]

    assert len(found) == 1
    assert text in found[0].text
    assert found[0].hint


def test_a_branch_that_the_remote_has_not(host: Host, clone: Path, site: Site) -> None:
    """It answers, but not with what is needed."""
    git("-C", clone.parents[2] / "remote.git", "update-ref", "-d", "refs/heads/main")

    remote = by_check(examine(host, site))["remote"]

    assert (remote.verdict, remote.text.endswith("has no branch main")) == (BAD, True)


def test_looking_changes_nothing(host: Host, clone: Path, site: Site) -> None:
    """Not even the index is refreshed."""

    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in clone.rglob("*"))

    before = state()
    examine(host, site)

    assert state() == before


def test_an_unreachable_host_is_one_finding(pool: HostPool) -> None:
    """Nothing else can be said."""
    machine = Machine("dep01", {"ansible_host": "127.0.0.1", "ansible_port": 1})
    site = Site("production", "fra1", machine, Repository("clusterconfig-fra1", "~/x"))

    (finding,) = pool.doctor(site)

    assert (finding.check, finding.verdict) == ("ssh", BAD)
    assert "refused the connection" in finding.text
    assert finding.hint
