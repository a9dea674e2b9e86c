"""Real merges to measure on, and a reading of them that knows nothing of how we merge.

`DEPLOYER_CORPUS` names folders with `Base`, `Left`, `Right` and `Expected` (what the person committed) in each.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from lxml import etree

CORPUS = os.environ.get("DEPLOYER_CORPUS", "")
STEP = "\t"
"""Between the steps of a path: nothing that a key holds."""
NAMED = ("@name", "@id", "@key", "name", "id", "key", "groupId+artifactId", "artifactId")


@dataclass(frozen=True)
class Case:
    """A merge that somebody made."""

    name: str
    suffix: str
    base: bytes
    ours: bytes
    theirs: bytes
    expected: bytes

    def facts(self, data: bytes, steps: Steps) -> Mapping[str, str]:
        """Path -> value of one version; empty where it cannot be read."""
        try:
            return dict(_walk("", _READERS[self.suffix](data), steps))
        except (etree.XMLSyntaxError, yaml.YAMLError, ValueError):
            return {}

    @property
    def is_true(self) -> bool:
        """Whether both sides changed a common path, each otherwise: no merge could know what is right."""
        return all(self._is_opposed(steps) for steps in READINGS)

    def _is_opposed(self, steps: Steps) -> bool:
        base, ours, theirs = (self.facts(each, steps) for each in (self.base, self.ours, self.theirs))
        paths = base.keys() | ours.keys() | theirs.keys()
        opposed = (p for p in paths if len({base.get(p), ours.get(p), theirs.get(p)}) > 2)
        return any(True for _ in opposed) or any(_are_both_new(base, ours, theirs))

    def is_wrong(self, result: bytes) -> bool:
        """Whether a result says at some path what neither side wanted there, however items are told apart."""
        return all(self._has_odd(result, steps) for steps in READINGS)

    def _has_odd(self, result: bytes, steps: Steps) -> bool:
        base, ours, theirs, said = (self.facts(each, steps) for each in (self.base, self.ours, self.theirs, result))
        return any(
            said.get(path) != (theirs.get(path) if ours.get(path) == base.get(path) else ours.get(path))
            for path in base.keys() | ours.keys() | theirs.keys() | said.keys()
        )

    def is_same(self, result: bytes) -> bool:
        """Whether a result says what the person committed; order and layout count only in the bytes."""
        return result == self.expected or (bool(result) and _ordered(self, result) == _ordered(self, self.expected))


def _are_both_new(base: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[bool]:
    """What holds others came to one place from both sides, or was taken away by one, and does not say the same."""
    both = {path for path in ours.keys() & theirs.keys() if ours[path] == theirs[path] != base.get(path)}
    unlike = {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}
    yield from (any(parent in both for parent in _parents(path)) for path in unlike)
    for one, other in ((ours, theirs), (theirs, ours)):
        gone = base.keys() - one.keys()
        changed = (path for path in other if other[path] != base.get(path))
        yield from (any(parent in gone for parent in _parents(path)) for path in changed)


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition(STEP)[0]:
        yield path


def _ordered(case: Case, data: bytes) -> object:
    """What a version says; of one that cannot be read its bytes: people committed conflict markers, too."""
    try:
        return _READERS[case.suffix](data)
    except (etree.XMLSyntaxError, yaml.YAMLError, ValueError):
        return data


def cases(folder: str) -> list[Case]:
    """The cases below a folder, in the order of their names."""
    found = []
    for path in sorted(Path(folder).rglob("Base.*")):
        versions = [
            path.with_name(f"{name}{path.suffix}").read_bytes() for name in ("Base", "Left", "Right", "Expected")
        ]
        found.append(Case(f"{path.parent.parent.name}/{path.parent.name}", path.suffix, *versions))
    return found


def git_merge(case: Case) -> bytes | None:
    """What `git merge-file` makes of it; None for a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("ours", case.ours), ("base", case.base), ("theirs", case.theirs)):
            Path(folder, name).write_bytes(data)
        command = ["git", "merge-file", "-p", "ours", "base", "theirs"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


# An independent reading: mappings, lists of (label, value), texts


def _read_xml(data: bytes) -> object:
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(data, parser)
    return [(str(root.tag), _of_element(root))]


def _of_element(element: etree._Element) -> object:
    children = [(str(child.tag), _of_element(child)) for child in element]
    said: dict[str, object] = {f"@{name!s}": str(value) for name, value in element.attrib.items()}
    text = " ".join((element.text or "").split())
    return said | ({"": children} if children else {}) | ({"#": text} if text and not children else {})


def _read_json(data: bytes) -> object:
    return _of_value(json.loads(data))


def _read_yaml(data: bytes) -> object:
    return _of_value(yaml.load(data, Loader=yaml.CSafeLoader))


def _of_value(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _of_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [("", _of_value(item)) for item in value]
    return repr(value)


_READERS = {".xml": _read_xml, ".json": _read_json, ".yaml": _read_yaml, ".yml": _read_yaml}


def _walk(path: str, value: object, steps: Steps) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield path, "{}"
        for key, item in value.items():
            yield from _walk(f"{path}{STEP}{key}", item, steps)
    elif isinstance(value, list):
        yield path, "[]"
        for step, item in zip(steps(value), (item for _, item in value), strict=True):
            yield from _walk(f"{path}{STEP}{step}", item, steps)
    else:
        yield path, str(value)


def _by_content(items: Sequence[tuple[str, object]]) -> list[str]:
    """By a field that tells apart, else by what they say."""
    return _numbered(_known(items, label, item) or f"{label}~{item}" for label, item in items)


def _by_place(items: Sequence[tuple[str, object]]) -> list[str]:
    """By a field that tells apart, else by their place among their like."""
    return _numbered(_known(items, label, item) or label for label, item in items)


def _numbered(steps: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    numbered = []
    for step in steps:
        seen[step] += 1
        numbered.append(f"{step}#{seen[step]}")
    return numbered


def _known(items: Sequence[tuple[str, object]], label: str, item: object) -> str:
    told = next((f"{name}={said}" for name in NAMED if (said := _told(item, name))), "")
    if told:
        return f"{label}[{told}]"
    if not isinstance(item, dict | list):
        return f"{label}~{item}"
    return label if label and sum(other == label for other, _ in items) == 1 else ""


def _told(item: object, name: str) -> str:
    if not isinstance(item, dict):
        return ""
    held = dict(item)
    for label, child in held.get("", []):
        held.setdefault(label.rpartition("}")[2], child.get("#") if isinstance(child, dict) else None)
    parts = [held.get(part) for part in name.split("+")]
    return "+".join(str(part) for part in parts) if all(isinstance(part, str) for part in parts) else ""


Steps = Callable[[Sequence[tuple[str, object]]], list[str]]
READINGS: tuple[Steps, ...] = (_by_content, _by_place)
"""An insertion moves nobody in the one, an edit within an item is that edit alone in the other."""
