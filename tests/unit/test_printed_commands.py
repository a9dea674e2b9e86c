"""No command for a person is built as text: `deployer.model.command` quotes them, and nothing else does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "deployer"
EXECUTED = frozenset(
    {
        "app.py",
        "hosts/connection.py",
        "hosts/ssh.py",
        "playbook/child.py",
        "playbook/invocation.py",
        "playbook/paths.py",
        "sandboxes/inventory_files.py",
        "sandboxes/nspawn/inventory.py",
        "gitsync/remote/git.py",
        "surroundings.py",
    }
)
"""What uses `shlex` for words that a program reads, and no person."""
NOT_PRINTED = frozenset({"sandboxes/nspawn/keys.py", "store/liveness.py"})
"""A line of an ssh_config, and the name of a lock, which look like commands."""
_GIT = (
    "add|branch|checkout|clone|config|diff|fetch|log|ls-remote|merge|pull|push|rebase|remote|reset|status|symbolic-ref"
)
_OURS = "attention|configure|doctor|logs|merge|plan|redeploy|retry|run|sandbox|settings|show|status|sync|undo|verify"
_PROGRAMS = "chmod|chown|df|fuser|kill|ls|mkdir|mv|pip|rm|ssh|ssh-copy-id|ssh-keygen|ssh-keyscan|sudo|systemctl"
_COMMAND = re.compile(
    rf"(?:^|[\s`(:;|&])(?:git (?:-C |(?:{_GIT}) )|deployer (?:{_OURS}) |(?:{_PROGRAMS}) (?:-|[a-z]+ -)|cd )[^`;|&)\n]*$"
)


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Each module of ours by its path in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def filled_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) that stands in front of each value in an f-string, or of `{` in a text for `format`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            before = ""
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield node.lineno, before
                else:
                    before += str(ast.literal_eval(part))
        elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
            yield node.lineno, str(node.left.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\{[a-z_]+\}", node.value):
            yield from ((node.lineno, node.value[: found.start()]) for found in re.finditer(r"\{[a-z_]+\}", node.value))


def test_no_value_is_filled_into_a_command() -> None:
    """A value in a command's text is quoted nowhere, or in a way of its own."""
    found = [
        f"{name}:{line}: {text}" for name, tree in modules() for line, text in filled_in(tree) if _COMMAND.search(text)
    ]

    assert not [one for one in found if one.partition(":")[0] not in NOT_PRINTED]
    assert {one.partition(":")[0] for one in found} >= NOT_PRINTED


def test_only_what_programs_read_is_quoted_elsewhere() -> None:
    """`shlex` knows neither a prompt's history nor what a terminal does with control characters."""
    users = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and any(alias.name == "shlex" for alias in node.names)
    }

    assert users == EXECUTED
