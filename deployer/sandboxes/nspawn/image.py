"""The image that every host is a copy of: built once from the Debian archive, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import DeployerError
from deployer.folders import make_folder
from deployer.resources import user_folder
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.base import Say
from deployer.sandboxes.files import locked
from deployer.sandboxes.nspawn import command
from deployer.sandboxes.nspawn.plan import LOGIN

GIT_LOGIN = "git"
_PACKAGES = (
    *("ca-certificates", "dbus", "git", "iproute2", "openssh-server", "procps", "python3", "sudo", "systemd"),
    *("systemd-sysv",),
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
_HOOKS = (
    f'chroot "$1" useradd --create-home --shell /bin/bash --uid 1000 {LOGIN}',
    # The owner of the repositories, which are files of this machine's root: git refuses to serve another's.
    f'chroot "$1" useradd --non-unique --uid 0 --gid 0 -M -d /srv/git -s /bin/sh {GIT_LOGIN}',
)
_SSHD = """\
PasswordAuthentication no
UseDNS no
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys/%u .ssh/authorized_keys
# A deployer host is the way to every node of its site, all of which may be asked at once.
MaxStartups 100:30:200
"""
_FILES: Mapping[str, str] = {
    "etc/ssh/sshd_config.d/sandbox.conf": _SSHD,
    "etc/systemd/journald.conf.d/sandbox.conf": "[Journal]\nStorage=volatile\nRuntimeMaxUse=4M\nForwardToConsole=no\n",
    f"etc/sudoers.d/{LOGIN}": f"{LOGIN} ALL=(ALL) NOPASSWD: ALL\n",
}
_MASKED = (
    *(
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "e2scrub_reap.service",
    ),
    *("fstrim.timer", "console-getty.service", "getty.target", "systemd-logind.service", "modprobe@.service"),
    *("dev-hugepages.mount", "sys-fs-fuse-connections.mount"),
)
"""Units that cost start-up and memory on every host and do nothing in a sandbox."""
_REMOVED = ("etc/apt/sources.list", "etc/apt/sources.list.d", "var/lib/apt/lists", "var/cache/apt")
_BUILD = 900.0
_SPACE = 500_000_000


def ready(say: Say, stop: Stop) -> Path:
    """The image's folder; built when the cache has none of this recipe.

    Args:
        say: is told when it has to be built.
        stop: ends the build.

    Raises:
        StoppedError: it was stopped.
        DeployerError: it could not be built.
    """
    suite = _suite()
    cache = user_folder("cache") / "sandbox-images"
    image = cache / _digest(suite)
    if not image.is_dir():
        say(f"building the image {image}, once: this takes a minute")
        make_folder(cache)
        with locked(cache / f".{image.name}.lock", _BUILD, stop) as is_ours:
            if not is_ours:
                raise DeployerError(f"another process builds {image} and does not end")
            if not image.is_dir():
                _build(image, suite, stop)
    return image


def _digest(suite: str) -> str:
    recipe = [suite, platform.machine(), _PACKAGES, _LEFT_OUT, _HOOKS, dict(_FILES), _MASKED, _REMOVED]
    return f"{suite}-{hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]}"


def _suite() -> str:
    try:
        name = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError as error:
        raise DeployerError(f"the release of this machine's system is not known: {error}") from error
    if not name:
        raise DeployerError("the release of this machine's system has no code name", hint="use the backend `local`")
    return name


def _build(image: Path, suite: str, stop: Stop) -> None:
    """Build it beside its place: only the holder of the lock has a draft, so one that is there was left by a crash."""
    if shutil.disk_usage(image.parent).free < _SPACE:
        raise DeployerError(f"{image.parent} has less than {_SPACE // 1_000_000} MB free")
    draft = image.with_name(f".new-{image.name}")
    if draft.exists():
        shutil.rmtree(draft)
    try:
        command.run(_mmdebstrap(suite, draft), stdin=_sources(suite), seconds=_BUILD, stop=stop)
        _finish(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(image)


def _mmdebstrap(suite: str, draft: Path) -> tuple[str, ...]:
    # It ends with us, and its mounts with it, whatever ends us.
    ends_with_us = ("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
    return (
        *ends_with_us,
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--quiet"),
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        f"--include={','.join(_PACKAGES)}",
        *(f"--customize-hook={hook}" for hook in _HOOKS),
        *(suite, str(draft), "-"),
    )


def _sources(suite: str) -> str:
    """Where this machine gets its own packages of that release from."""
    answer = command.run(
        ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    )
    lines = [line for line in answer.splitlines() if line.split()[1].split("-")[0] == suite]
    if not lines:
        raise DeployerError(f"this machine's apt has no source of {suite}", hint="look into /etc/apt/sources.list.d")
    return "".join(f"deb {line}\n" for line in dict.fromkeys(lines))


def _finish(root: Path) -> None:
    for name in _REMOVED:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o440 if "sudoers" in name else 0o644)
    for unit in _MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
