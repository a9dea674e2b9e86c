"""The port `Manifests` over the table of formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from deployer.errors import ManifestError, UsageError
from deployer.manifests.base import Document, Format, set_text
from deployer.manifests.formats import FORMATS, format_of, known_format
from deployer.manifests.merge import MARKER_SIZE, merge
from deployer.manifests.merging.compare import compare_structures
from deployer.manifests.merging.identity import Identities
from deployer.manifests.merging.rules import read_rules
from deployer.manifests.source import refuse
from deployer.model.manifest import Manifest, Problem
from deployer.model.merge import Conflict, Difference, MergeResult
from deployer.model.site import DEFAULT_FIELDS

Hide = Callable[[tuple[Difference, ...], Sequence[object]], tuple[Difference, ...]]
"""Takes secrets out of differences; it is given both versions as plain data."""
REQUIRED = ("version",)
"""Fields without which a manifest is of no use."""


class ManifestFormats:
    """Reads, changes and merges manifests: the port `Manifests`.

    Args:
        hide: takes secrets out of what `compare` finds; they stay where nothing is given.
    """

    def __init__(self, hide: Hide | None = None) -> None:
        self._hide = hide

    def parse(self, path: str, data: bytes, fields: Mapping[str, str]) -> Manifest:
        """Read a manifest.

        Args:
            path: in the repository; its suffix decides the format.
            data: the file's bytes.
            fields: field name -> path in a manifest: the site's mapping, over `DEFAULT_FIELDS`.

        Raises:
            ManifestError: with every problem found, as `file:line: sentence`.
            UsageError: a path of the mapping is none.
        """
        form = format_of(path)
        document = form.read(path, data)
        value = document.value
        if not isinstance(value, Mapping):
            raise refuse(Problem(path, 1, "the document is not a mapping of keys to values"))
        mapping = _mapping(form, fields)
        found, problems = _read_fields(document, mapping)
        if problems:
            raise refuse(*problems)
        return Manifest(path=path, format=form.name, value=value, fields=found)

    def set_value(self, path: str, data: bytes, where: str, value: str, fields: Mapping[str, str]) -> bytes:
        """The same bytes with one value changed, and nothing else.

        Args:
            path: of the file; its suffix decides the format.
            data: the file's bytes.
            where: a field's name, or a path in the document (XPath for XML, `containers[0].image` for YAML and JSON).
            value: the new text; a string stays a string.
            fields: the site's mapping, over `DEFAULT_FIELDS`.

        Raises:
            UsageError: there is no such place, or there are several; the hint names the nearest.
            ManifestError: the file cannot be read, or the text cannot be put there without changing something else.
        """
        form = format_of(path)
        document = form.read(path, data)
        return set_text(form, document, _mapping(form, fields).get(where, where), value)

    def check(self, path: str, data: bytes, *, called: str = "") -> None:
        """Refuse a file that is no sound document; an empty one is none at all, and passes.

        Args:
            path: its suffix decides the format.
            data: the file's bytes.
            called: what the file is called in problems; the path when not given.

        Raises:
            ManifestError: with every problem found, as `file:line: sentence`.
            UsageError: there is no format of this suffix.
        """
        form = known_format(path)
        if form is None:
            raise UsageError(
                f"{path} is no manifest by its name", hint=f"formats: {', '.join(FORMATS)}; name one by --path"
            )
        if data.strip():
            form.read(called or path, data)

    def merge(
        self,
        path: str,
        base: bytes,
        ours: bytes,
        theirs: bytes,
        *,
        rules: bytes = b"",
        marker_size: int = MARKER_SIZE,
    ) -> MergeResult:
        """Merge two changes of one file; see `deployer.manifests.merge.merge`.

        Args:
            path: of the file in its repository.
            base: what both sides began with; empty where both added the file.
            ours: one side.
            theirs: the other side.
            rules: content of the repository's RULES_FILE; where it cannot be read, that is the conflict.
            marker_size: of the conflict markers in a partial result.
        """
        sides = (base, ours, theirs)
        try:
            identities = read_rules(rules) if rules else None
        except ManifestError as error:
            lines = merge(None, path, *sides, marker_size=marker_size)
            conflicts = tuple(Conflict("", "rules", said=problem) for problem in error.problems)
            return MergeResult(None, conflicts, lines.partial if lines.content is None else lines.content)
        return merge(known_format(path), path, *sides, identities=identities, marker_size=marker_size)

    def compare(self, path: str, before: bytes, after: bytes, *, rules: bytes = b"") -> tuple[Difference, ...]:
        """The change from one version of a manifest to another, per element; none where both say the same.

        Raises:
            ManifestError: one of them, or the rules, cannot be read.
        """
        form = format_of(path)
        found = compare_structures(form.name, path, before, after, read_rules(rules) if rules else Identities())
        if self._hide is None or not found:
            return found
        return self._hide(found, [form.read(path, data).value for data in (before, after) if data.strip()])


def duplicates(manifests: Iterable[Manifest]) -> tuple[Problem, ...]:
    """A problem for every manifest whose instance, in the same cluster, an earlier one (by path) describes already."""
    first: dict[tuple[str, str], Manifest] = {}
    problems = []
    for manifest in sorted(manifests, key=lambda each: each.path):
        known = first.setdefault((manifest.instance, manifest.fields.get("cluster", "")), manifest)
        if known is not manifest:
            said = f"describes the instance {manifest.instance}, as {known.path} does"
            problems.append(Problem(manifest.path, 0, said))
    return tuple(problems)


def _mapping(form: Format, fields: Mapping[str, str]) -> dict[str, str]:
    """Field -> path for a format: where the site's path is of another format, the default holds."""
    own = {name: where for name, where in fields.items() if form.has_paths_like(where)}
    return {**DEFAULT_FIELDS[form.fields], **own}


def _read_fields(document: Document, mapping: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    found: dict[str, str] = {}
    problems: list[Problem] = []
    path = document.source.path
    for name, where in mapping.items():
        try:
            places = document.find(where)
        except UsageError as error:
            raise UsageError(f"the field {name}: {error.message}", hint=error.hints) from error
        if len(places) > 1:
            problems.append(document.source.problem(places[1].start, f"{where} is there {len(places)} times"))
        elif places and places[0].text and places[0].kind not in {"mapping", "sequence", "null"}:
            found[name] = places[0].text
        elif name in REQUIRED:
            said = f"{where} is empty" if places else f"no {where}"
            problems.append(Problem(path, document.line_near(where), said))
    return found, problems
