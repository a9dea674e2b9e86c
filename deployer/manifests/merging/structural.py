"""One manifest merged by its structure, and the result checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deployer.errors import ManifestError
from deployer.manifests.merging import json, xml, yaml
from deployer.manifests.merging.algorithm import Dialect, Merger
from deployer.manifests.merging.check import objections
from deployer.manifests.merging.identity import Identities, Key
from deployer.manifests.merging.nodes import Node, UnfitError
from deployer.manifests.merging.output import marked, whole
from deployer.manifests.merging.plain import UnreadableError
from deployer.manifests.merging.table import Table
from deployer.manifests.merging.trivia import Clash, Segment, shifted
from deployer.manifests.source import Source, decode
from deployer.model.merge import Conflict, MergeResult

SOFT = frozenset({"order", "inserted", "ambiguous", "comment"})
"""Conflicts of caution: where these are all, a line merge that passes the check is as good."""
_PLAIN_KEY = re.compile(r"[^.\[\]\"'=\s]+")


@dataclass(frozen=True, slots=True)
class Form:
    """What a format gives to the merge."""

    tree: Callable[[Source, Table], Node]
    dialect: Dialect
    is_xml: bool = False


def merge_structures(
    form: str, path: str, sides: tuple[bytes, bytes, bytes], identities: Identities, marker_size: int
) -> MergeResult:
    """Merge base, ours and theirs.

    Args:
        form: name of the format.
        path: of the file, for messages.
        sides: base, ours, theirs.
        identities: rules of the repository.
        marker_size: of conflict markers in the partial result.

    Raises:
        UnfitError: one of them is nothing that could be merged by its structure.
    """
    known = FORMS[form]
    if not sides[0].strip():
        return _both_added(known, path, sides, identities, marker_size)
    base, ours, theirs = (_decoded(path, data, known) for data in sides)
    texts = (base.text, ours.text, theirs.text)
    table = Table()
    segments, conflicts = _merged(known, (base, ours, theirs), table, identities)
    written = _written_as(base, ours, theirs)
    if conflicts:
        return MergeResult(None, conflicts, _encoded(marked(segments, marker_size), written))
    return _checked(form, texts, whole(segments), identities, written, marker_size, table.parsed)


def _merged(
    form: Form, sources: tuple[Source, Source, Source], table: Table, identities: Identities
) -> tuple[list[Segment], tuple[Conflict, ...]]:
    """The pieces of the result, and the conflicts; the trees end here, so that the check has their memory."""
    base, ours, theirs = sources
    nodes = (form.tree(base, table), form.tree(ours, table), form.tree(theirs, table))
    merger = Merger((base.text, ours.text, theirs.text), form.dialect, identities)
    return merger.node(nodes), tuple(merger.conflicts)


def _both_added(
    form: Form, path: str, sides: tuple[bytes, bytes, bytes], identities: Identities, marker_size: int
) -> MergeResult:
    """Without a base there is nothing to merge: both say the same, or a person must choose."""
    ours, theirs = (_decoded(path, data, form) for data in sides[1:])
    table = Table()
    mine, yours = form.tree(ours, table), form.tree(theirs, table)
    if mine.says == yours.says:
        return MergeResult(sides[1])
    merger = Merger(("", ours.text, theirs.text), form.dialect, identities)
    merger.added(mine, yours)
    partial = _encoded(marked(_apart(("", ours.text, theirs.text)), marker_size), ours)
    return MergeResult(None, tuple(merger.conflicts), partial)


def _decoded(path: str, data: bytes, form: Form) -> Source:
    try:
        return decode(path, data, is_xml=form.is_xml)
    except ManifestError as error:
        raise UnfitError(str(error)) from error


def _written_as(base: Source, ours: Source, theirs: Source) -> Source:
    """The side that decides about encoding and byte order mark: the one that changed them."""
    is_ours = (theirs.encoding, theirs.bom) == (base.encoding, base.bom)
    return ours if is_ours else theirs


def _encoded(text: str, source: Source) -> bytes:
    return source.bom + text.encode(source.encoding, "backslashreplace")


def _checked(
    form: str,
    texts: tuple[str, str, str],
    merged: str,
    identities: Identities,
    written: Source,
    marker_size: int,
    parsed: Mapping[str, object],
) -> MergeResult:
    try:
        said = objections(form, texts, merged, [*identities.fields()], parsed)
        content = written.bom + merged.encode(written.encoding)
    except UnreadableError as error:
        raise UnfitError(str(error)) from error
    except UnicodeEncodeError as error:
        said = [f"the result cannot be written in {written.encoding}: {error.reason}"]
        content = b""
    if not said:
        return MergeResult(content)
    conflicts = tuple(Conflict("", "unsound", said=f"the merge failed its check: {each}") for each in said)
    return MergeResult(None, conflicts, _encoded(marked(_apart(texts), marker_size), written))


def _apart(texts: tuple[str, str, str]) -> list[Segment]:
    """Ours and theirs whole, but for the lines that they begin and end with alike."""
    base, ours, theirs = texts
    one, other = ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    first = 0
    while first < min(len(one), len(other)) and one[first] == other[first]:
        first += 1
    last = 0
    while last < min(len(one), len(other)) - first and one[-1 - last] == other[-1 - last]:
        last += 1
    head, tail = one[:first], one[len(one) - last :]
    middle = ("".join(one[first : len(one) - last]), "".join(other[first : len(other) - last]))
    return ["".join(head), Clash(base, *middle), "".join(tail)]


def passes(
    form: str, path: str, sides: tuple[bytes, bytes, bytes], merged: bytes, identities: Identities
) -> bool | None:
    """Whether a merge made by other means says what the two sides said; None where they cannot be read."""
    known = FORMS[form]
    try:
        base, ours, theirs = (_decoded(path, data, known).text for data in sides)
    except UnfitError:
        return None
    try:
        result = _decoded(path, merged, known).text
        return not objections(form, (base, ours, theirs), result, [*identities.fields()])
    except UnfitError:
        return False
    except UnreadableError:
        return None


# How places are called


def _xml_step(key: Key | None, label: str, at: int) -> str:
    if key is None:
        return f"/{label}[{at + 1}]"
    if key.how in {"name", "label"}:
        return f"/{key.label}"
    told = " and ".join(f"{field or '.'}={_quoted(value)}" for field, value in key.values)
    return f"/{key.label}[{told}]"


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else f'"{text}"'


def _tree_step(key: Key | None, _label: str, at: int) -> str:
    if key is None:
        return f"[{at}]"
    if key.how == "name":
        return f".{key.label}" if _PLAIN_KEY.fullmatch(key.label) else f"[{_double(key.label)}]"
    told = ",".join(f"{field}={_double(value)}" if field else _double(value) for field, value in key.values)
    return f"[{told}]"


def _double(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_TAG_LINE = re.compile(r"(\n)([ \t]*)(?=<)")


def _shift_tags(text: str, old: str, new: str) -> str:
    """Only lines that begin with a tag: those of a text are what it says."""
    if "<![CDATA[" in text:
        return text
    return _TAG_LINE.sub(lambda found: found.group(1) + _moved(found.group(2), old, new), text)


def _moved(space: str, old: str, new: str) -> str:
    return new + space[len(old) :] if space.startswith(old) else space


_QUIET = frozenset({"#root", "#content"})
FORMS: Mapping[str, Form] = {
    "xml": Form(xml.tree, Dialect(_xml_step, _shift_tags, _QUIET), is_xml=True),
    "yaml": Form(yaml.tree, Dialect(_tree_step, shifted, _QUIET, {"sequence": " []", "mapping": " {}"})),
    "json": Form(json.tree, Dialect(_tree_step, shifted, _QUIET)),
}
"""Name of a format -> how it is merged."""
