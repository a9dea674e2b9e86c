"""Operations are read from folders, and every mistake in one is named with file and key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import OperationError, UsageError
from deployer.model.json import JsonValue
from deployer.model.operation import ManifestUse, Operation, Param, ParamType
from deployer.playbook.catalog import Catalog, params_of, read_operation

Write = Callable[..., Path]

WHOLE = """\
command: restart
summary: Restart instances
description: >-
  More about it.
manifest: edit
params:
  health_timeout: {type: integer, default: 60, summary: Seconds}
  mode: {type: choice, choices: [fast, slow], required: true, summary: How}
steps:
  - Restart the service
"""
SMALL = "command: {command}\nsummary: A small one\n"


def _checks(folder: Path, operation: str, text: str = "") -> str:
    """An operation's folder of checks; with a text also its operation.yml and playbook."""
    checks = folder / operation / "checks"
    checks.mkdir(parents=True)
    if text:
        (folder / operation / "operation.yml").write_text(text)
        (folder / operation / "playbook.yml").write_text("[]\n")
    return str(checks)


def test_whole_form(operation_file: Write) -> None:
    """Every key of the form arrives in the operation."""
    path = operation_file(WHOLE)

    assert read_operation(path) == Operation(
        name="instance-try",
        command="restart",
        summary="Restart instances",
        description="More about it.",
        folder=str(path.parent),
        playbook=str(path.parent / "playbook.yml"),
        manifest=ManifestUse.EDIT,
        params=(
            Param("health_timeout", ParamType.INTEGER, "Seconds", 60),
            Param("mode", ParamType.CHOICE, "How", None, ("fast", "slow"), required=True),
        ),
        steps=("Restart the service",),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected keys and values"),
        ("a: [", "operation.yml:2: "),
        ("summary: x\n", "command: expected one line of text"),
        ("command: X Y\nsummary: x\n", "command: 'X Y' is no name"),
        ("command: x\nsummary: 5\n", "summary: expected a text"),
        ("command: x\nsummary: |\n  a\n  b\n", "summary: expected one line"),
        ("command: x\nsummary: x\nsumary: y\n", "sumary: there is no such key"),
        ("command: x\nsummary: x\nmanifest: write\n", "manifest: 'write' is none of read, edit"),
        ("command: x\nsummary: x\nsteps: one\n", "steps: expected a list of texts"),
        ("command: x\nsummary: x\nsteps: [1]\n", "steps: expected a list of texts"),
        ("command: x\nsummary: x\nparams: [a]\n", "params: expected keys and values"),
        ("command: x\nsummary: x\nparams: {a: text}\n", "params.a: expected keys and values"),
        ("command: x\nsummary: x\nparams: {A-b: {}}\n", "params: 'A-b' is no name of a variable"),
        ("command: x\nsummary: x\nparams: {instance: {}}\n", "params.instance: this variable has a meaning"),
        ("command: x\nsummary: x\nparams: {ansible_host: {}}\n", "params.ansible_host: this variable has a meaning"),
        ("command: x\nsummary: x\nparams: {a: {type: int, summary: x}}\n", "params.a.type: 'int' is none of"),
        ("command: x\nsummary: x\nparams: {a: {summary: x}}\n", "params.a.type: '' is none of"),
        ("command: x\nsummary: x\nparams: {a: {type: string, sum: x}}\n", "params.a.sum: there is no such key"),
        ("command: x\nsummary: x\nparams: {a: {type: choice, summary: x}}\n", "params.a.choices: belong to"),
        (
            "command: x\nsummary: x\nparams: {a: {type: integer, summary: x, default: '5'}}\n",
            "params.a.default: '5' is no integer",
        ),
        (
            "command: x\nsummary: x\nparams: {a: {type: integer, summary: x, default: 5, required: true}}\n",
            "params.a.default: a required parameter has none",
        ),
    ],
)
def test_wrong_form(operation_file: Write, text: str, problem: str) -> None:
    """A mistake is one line with the file and the key."""
    path = operation_file(text)
    with pytest.raises(OperationError) as caught:
        read_operation(path)

    assert str(path) in caught.value.message
    assert problem in caught.value.message
    assert "\n" not in caught.value.message


def test_first_folder_wins(operation_file: Write, tmp_path: Path) -> None:
    """A user's operation hides the shipped one of the same name, and both commands of a catalog are found."""
    operation_file("command: mine\nsummary: Mine\n", folder="own")
    operation_file("command: theirs\nsummary: Theirs\n", folder="shipped")
    operation_file("command: other\nsummary: Other\n", name="instance-other", folder="shipped")
    catalog = Catalog([tmp_path / "own", tmp_path / "shipped", tmp_path / "gone"])

    assert [operation.command for operation in catalog.operations()] == ["other", "mine"]
    assert catalog.operation("mine") == catalog.operation("instance-try")


def test_unknown_operation_lists_what_there_is(operation_file: Write, tmp_path: Path) -> None:
    """The hint names the nearest operation and all others."""
    operation_file(SMALL.format(command="restart"))
    with pytest.raises(OperationError, match="there is no operation 'restrat'") as caught:
        Catalog([tmp_path / "playbooks"]).operation("restrat")

    assert caught.value.hint == "did you mean restart? there are: restart"


def test_one_command_twice(operation_file: Write, tmp_path: Path) -> None:
    """Two operations that share a command are an error that names both."""
    operation_file(SMALL.format(command="restart"), name="instance-a")
    operation_file(SMALL.format(command="restart"), name="instance-b")
    with pytest.raises(OperationError, match="instance-a and instance-b both are the command 'restart'"):
        Catalog([tmp_path / "playbooks"]).operations()


def test_a_folder_without_playbook(operation_file: Write) -> None:
    """An operation without its playbook is no operation."""
    path = operation_file(SMALL.format(command="x"))
    (path.parent / "playbook.yml").unlink()
    with pytest.raises(OperationError, match=r"playbook\.yml: the playbook of the operation is missing"):
        read_operation(path)


def operation_with(*params: Param) -> Operation:
    """An operation with these parameters."""
    return Operation("instance-try", "try", "Try", "", "/x", "/x/playbook.yml", params=params)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (ParamType.INTEGER, "5", 5),
        (ParamType.INTEGER, 5, 5),
        (ParamType.NUMBER, "0.5", 0.5),
        (ParamType.BOOLEAN, "Yes", True),
        (ParamType.BOOLEAN, "off", False),
        (ParamType.LIST, "a, b", ["a", "b"]),
        (ParamType.LIST, ["a"], ["a"]),
        (ParamType.STRING, "2.10", "2.10"),
    ],
)
def test_params_are_converted(kind: ParamType, given: JsonValue, value: JsonValue) -> None:
    """Text of a command line becomes a value of the parameter's type; JSON of that type stays as it is."""
    assert params_of(operation_with(Param("a_b", kind, "x")), {"a-b": given}) == {"a_b": value}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (ParamType.INTEGER, "5.5"),
        (ParamType.INTEGER, True),
        (ParamType.NUMBER, "inf"),
        (ParamType.NUMBER, "nan"),
        (ParamType.BOOLEAN, "maybe"),
        (ParamType.BOOLEAN, 1),
        (ParamType.LIST, [1]),
        (ParamType.STRING, 2.1),
    ],
)
def test_values_of_another_type(kind: ParamType, given: JsonValue) -> None:
    """A value that is not of the type is a usage error that names the parameter."""
    with pytest.raises(UsageError, match=r"try: a: .* is no "):
        params_of(operation_with(Param("a", kind, "x")), {"a": given})


def test_defaults_and_required() -> None:
    """Defaults fill in, what has none is left out, and what is required must be given."""
    default = Param("keep", ParamType.INTEGER, "x", 3)
    optional = Param("word", ParamType.STRING, "x")
    required = Param("mode", ParamType.CHOICE, "how", choices=("fast",), required=True)

    assert params_of(operation_with(default, optional), {}) == {"keep": 3}
    with pytest.raises(UsageError, match="try needs the parameter 'mode': how"):
        params_of(operation_with(required), {})
    with pytest.raises(UsageError, match="'slow' is none of fast"):
        params_of(operation_with(required), {"mode": "slow"})
    with pytest.raises(UsageError, match="try has no parameter 'speed'"):
        params_of(operation_with(required), {"speed": "1"})


def test_catalog_is_cheap() -> None:
    """The command line's help pays for PyYAML and nothing heavier."""
    program = (
        "import sys, deployer.playbook.catalog;"
        "print(sorted({'pydantic', 'ansible_runner', 'subprocess', 'lxml', 'sqlalchemy', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_checks_are_those_beside_the_operation_of_others_and_of_earlier_folders(tmp_path: Path) -> None:
    """In that order: what it shares, its own, what somebody put into an earlier folder without replacing it."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    base = _checks(ours, "instance-a", SMALL.format(command="a"))
    own = _checks(ours, "instance-b", SMALL.format(command="b") + "checks: [instance-a]\n")
    more = _checks(theirs, "instance-b")

    assert Catalog((theirs, ours)).operation("b").checks == (base, own, more)
    assert Catalog((ours, theirs)).operation("b").checks == (base, own)


def test_an_operation_that_replaces_ours_has_only_its_own_checks(tmp_path: Path) -> None:
    """What is shipped for the hidden one says nothing of it."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    _checks(ours, "instance-a", SMALL.format(command="a"))
    own = _checks(theirs, "instance-a", SMALL.format(command="a"))

    assert Catalog((theirs, ours)).operation("a").checks == (own,)


def test_checks_of_an_operation_that_is_not_there(tmp_path: Path) -> None:
    """Named with the file."""
    _checks(tmp_path, "instance-a", SMALL.format(command="a") + "checks: [instance-none]\n")

    with pytest.raises(OperationError, match=r"instance-a/operation\.yml: checks: there is no operation instance-none"):
        Catalog((tmp_path,)).operations()
