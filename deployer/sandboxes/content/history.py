"""The history of a config repository: who changed what over the last months, as text for `git fast-import`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.sandboxes.content.manifest_text import Instance, render

BRANCH = "main"
VERSION = "1.4.2"
"""What every manifest asks for in the end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit."""

    author: str
    """`Name <mail>`."""
    seconds: int
    """Unix time."""
    message: str
    files: Mapping[str, bytes]
    """Path -> its new content."""


def steps(instances: Sequence[Instance], form: str, repository: str) -> Iterator[Step]:
    """The commits, oldest first.

    Args:
        instances: as they are to be in the end; the first is the one that people changed most.
        form: `xml` or `yaml`.
        repository: its name, for the readme.
    """
    first = [replace(instance, version="1.4.0", sessions=250, backup="01:00") for instance in instances]
    readme = {"README.md": _readme(repository, form)}
    yield _step(
        "Ines Duarte", 1773741780, "Take over the manifests from the old platform", readme | _files(first, form)
    )
    busy = replace(first[0], sessions=first[0].sessions + 150)
    yield _step("Tomasz Wrona", 1776331320, f"{busy.name}: more sessions for the sale", _files([busy], form))
    later = [replace(instance, backup="02:15") for instance in (busy, *first[1:])]
    yield _step(
        "Ines Duarte", 1780475640, "Backups after the invoice export, as the database team asks", _files(later, form)
    )
    newer = [replace(instance, version="1.4.1") for instance in later]
    yield _step("Erin Halvorsen", 1785924000, "Version 1.4.1 everywhere", _files(newer, form))
    yield _step("Erin Halvorsen", 1789638840, f"Version {VERSION} everywhere, limits reviewed", _files(instances, form))


def stream(history: Iterator[Step]) -> bytes:
    """The commits in the format of git-fast-import(1)."""
    return b"".join(part for step in history for part in _commit(step)) + b"done\n"


def _step(name: str, seconds: int, message: str, files: Mapping[str, bytes]) -> Step:
    return Step(f"{name} <{name.lower().replace(' ', '.')}@example.com>", seconds, message, files)


def _files(instances: Sequence[Instance], form: str) -> dict[str, bytes]:
    return {f"{instance.name}.{form}": render(instance, form) for instance in instances}


def _commit(step: Step) -> Iterator[bytes]:
    message = step.message.encode() + b"\n"
    yield f"commit refs/heads/{BRANCH}\ncommitter {step.author} {step.seconds} +0100\n".encode()
    yield f"data {len(message)}\n".encode() + message
    for path, content in step.files.items():
        yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


def _readme(repository: str, form: str) -> bytes:
    return (
        f"# {repository}\n\n"
        f"One manifest per instance, `<instance>.{form}`. Automation on the deployer host and people push to the same\n"
        f"branch, `{BRANCH}`; nobody rewrites it.\n"
    ).encode()
