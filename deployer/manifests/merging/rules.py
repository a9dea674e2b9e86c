"""The file in which a repository says what tells the items of its lists apart: `.deployer-merge.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from deployer.errors import ManifestError
from deployer.manifests.merging.identity import Identities, Rule
from deployer.manifests.merging.loader import TooDeepError, compose, judge_depth
from deployer.model.manifest import Problem
from deployer.model.merge import RULES_FILE

_MOST_LEVELS = 20
_KEYS = ("identity", "positional")
_FIELD = re.compile(r"@?[^\s@?/\[\]]+\??")


def read_rules(data: bytes, path: str = RULES_FILE) -> Identities:
    """Read the rules of a repository; an empty file has none.

    Args:
        data: the file's bytes.
        path: of the file, for messages.

    Raises:
        ManifestError: it is no YAML, or says something that is no rule: every problem with its line.
    """
    try:
        text = data.decode("utf-8")
        judge_depth(text, _MOST_LEVELS)
        root = compose(text)
    except TooDeepError as error:
        raise ManifestError((f"{path}: {error}",)) from error
    except UnicodeDecodeError as error:
        raise ManifestError((f"{path}: not utf-8: {error.reason}",)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ManifestError((f"{path}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', error)}",)) from error
    reader = _Reader(path)
    found = reader.read(root)
    if reader.problems:
        raise ManifestError(tuple(str(problem) for problem in reader.problems))
    return found


class _Reader:
    def __init__(self, path: str) -> None:
        self.problems: list[Problem] = []
        self._path = path

    def read(self, root: yaml.Node | None) -> Identities:
        """What the file says; what it says wrong is in `problems`."""
        rules: dict[str, Rule] = {}
        positional: set[str] = set()
        for key, value in self._pairs(root, "the file"):
            if key.value == "identity":
                rules = {name.value: self._fields(fields) for name, fields in self._pairs(value, "identity")}
            elif key.value == "positional":
                positional = set(self._texts(value))
            else:
                self._complain(key, f"{key.value!r} is not known here: there are {' and '.join(_KEYS)}")
        for name in sorted(positional & rules.keys()):
            self._complain(root, f"{name} is both identity and positional")
        return Identities(rules, frozenset(positional))

    def _complain(self, node: yaml.Node | None, message: str) -> None:
        self.problems.append(Problem(self._path, node.start_mark.line + 1 if node else 1, message))

    def _pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
            return
        if not isinstance(node, yaml.MappingNode):
            self._complain(node, f"{what} is not a mapping")
            return
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._complain(key, "a key that is no text")
            elif key.value in seen:
                self._complain(key, f"{key.value!r} is there twice")
            else:
                seen.add(key.value)
                yield key, value

    def _texts(self, node: yaml.Node) -> Iterator[str]:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for item in items:
            if isinstance(item, yaml.ScalarNode) and item.value:
                yield item.value
            else:
                self._complain(item, "neither a name nor a list of names")

    def _fields(self, node: yaml.Node) -> Rule:
        fields = tuple(self._texts(node))
        for name in fields:
            if not _FIELD.fullmatch(name):
                self._complain(node, f"{name!r} is no field: it is a key, an element, or an @attribute; `?` may follow")
        if fields and all(name.endswith("?") for name in fields):
            self._complain(node, "one of the fields must be there: not all can end in `?`")
        return fields
