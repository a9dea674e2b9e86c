"""Operations as commands: operation.yml gives the name, the help and the options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from deployer.cli import console
from deployer.cli.completing import complete_names
from deployer.cli.options import Context, common
from deployer.cli.paths import own_playbooks
from deployer.cli.stopping import signals
from deployer.errors import AttentionError, DeployerError, LockedError, UsageError
from deployer.model.json import JsonValue
from deployer.model.operation import ManifestUse, Operation, Param, ParamType

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.model.options import PlaybookOptions
    from deployer.model.run import Run
    from deployer.rollout.request import Wanted

Command = TypeVar("Command", bound=Callable[..., int])
Given = Mapping[str, JsonValue]
"""Options as click gives them."""


def operations() -> tuple[Operation, ...]:
    """The operations there are; none where the settings cannot be read (the command that runs says why)."""
    from deployer.playbook.catalog import Catalog
    from deployer.resources import shipped

    try:
        return Catalog((*own_playbooks(os.environ), shipped("playbooks"))).operations()
    except DeployerError as error:
        console.tell(f"deployer: {error.message}")
        return ()


def operation_command(operation: Operation) -> click.Command:
    """A click command for an operation."""

    def callback(context: Context, names: tuple[str, ...], **options: JsonValue) -> int:
        return carry_out(context, operation, names, options)

    command = common(callback)
    for param in reversed(operation.params):
        command = _option(param)(command)
    if operation.manifest is ManifestUse.EDIT:
        command = click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help=_SET_HELP)(command)
    command = playbook_options(command)
    names = click.argument(
        "names", nargs=-1, required=True, metavar="SITE... [INSTANCE...]", shell_complete=complete_names
    )
    command = names(command)
    help_text = f"{operation.summary}\n\n{operation.description}".strip()
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(operation.steps, 1))
    epilog = f"\b\nSteps on a host:\n{steps}" if steps else None
    return click.command(operation.command, help=help_text, short_help=operation.summary, epilog=epilog)(command)


_SET_HELP = "Set a value in the manifest first: a field (version) or a place (release/@version). Can be repeated."
_TYPES = {ParamType.INTEGER: click.INT, ParamType.NUMBER: click.FLOAT, ParamType.BOOLEAN: click.BOOL}


def _option(param: Param) -> Callable[[Command], Command]:
    kind = click.Choice(param.choices) if param.choices else _TYPES.get(param.type, click.STRING)
    shown = "" if param.default is None else f"  [default: {param.default}]"
    many = param.type is ParamType.LIST
    name = f"--{param.name.replace('_', '-')}"
    # No default here: what was not given is left to the one place that fills defaults in.
    return click.option(name, f"param_{param.name}", type=kind, multiple=many, help=param.summary + shown)


def playbook_options(command: Command) -> Command:
    """The options with Ansible's own spellings, and ours beside them."""
    options = (
        click.option("--limit", "-l", default="", metavar="PATTERN", help="Only these: an Ansible host pattern."),
        click.option(
            "--extra-vars", "-e", "extra_vars", multiple=True, metavar="VARS", help="key=value, JSON or @file."
        ),
        click.option("--tags", "-t", multiple=True, help="Only tasks with these tags."),
        click.option("--skip-tags", multiple=True, help="Not the tasks with these tags."),
        click.option("--check", "-C", is_flag=True, help="Change nothing; exit 8 when there are changes to make."),
        click.option("--diff", "-D", is_flag=True, help="Show what changes in files."),
        click.option("--verbose", "-v", count=True, help="More of Ansible's own output in the log; up to -vvvv."),
        click.option("--forks", "-f", type=click.IntRange(1), default=None, help="Targets at the same time."),
        click.option("--become", "-b", is_flag=True, help="Become root on the target."),
        click.option("--verify", is_flag=True, help="Run the operation's checks after each bucket (doc/verify.md)."),
        click.option("--vault-id", "vault_ids", multiple=True, metavar="ID@SOURCE", help="As ansible-playbook's."),
        click.option("--yes", "-y", is_flag=True, help="Confirm for production."),
        click.option("--list-targets", is_flag=True, help="Only list who would be started."),
        click.option(
            "--cron", is_flag=True, help="Silent unless something needs a person; skip if the same is running."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def carry_out(context: Context, operation: Operation, names: Sequence[str], given: Given) -> int:
    """Run an operation for a command line, and print what became of it."""
    from deployer.app import Wanted
    from deployer.rollout.guards import check_raw

    check_raw(context.raw)
    context.is_silent = bool(given["cron"])
    with context.deployer() as deployer:
        sites, instances = split_names(deployer, names)
        wanted = Wanted(
            operation=operation.name,
            sites=sites,
            instances=instances,
            limit=str(given["limit"]),
            sets=split_sets(_words(given, "sets")),
            params=_params(given),
            options=options_of(context, given),
            arguments=context.arguments,
        )
        if given["list_targets"]:
            return list_targets(context, deployer, wanted)
        return run_and_report(context, deployer, wanted, yes=bool(given["yes"]))


def run_and_report(context: Context, deployer: Deployer, wanted: Wanted, *, yes: bool) -> int:
    """Start the run with a listener that suits the terminal, and end with the table and the exit code."""
    from deployer.app import StopSwitch
    from deployer.cli.output import Approver, listener_for, print_run

    stop = StopSwitch()
    listener = listener_for(context)
    approver = Approver(context, deployer, listener, stop, yes=yes)
    try:
        with listener, signals(stop):
            run = deployer.run(wanted, approve=approver, listener=listener, stop=stop)
    except LockedError as error:
        # Cron started it twice; where somebody else is at work, the job was not done and that is told.
        if context.is_silent and deployer.is_running(wanted, error.run):
            return 0
        raise
    return context.finish(run, lambda: print_run(run, deployer), _code(run))


def _code(run: Run) -> int:
    return run.exit_code if run.exit_code is not None else 1


def split_names(deployer: Deployer, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`fra1 ams2 viatris`: what the inventory knows as a site is one, the rest are instances."""
    known = deployer.inventory.sites
    sites = tuple(name for name in names if name in known)
    if not sites:
        deployer.sites(names[:1])
    return sites, tuple(name for name in names if name not in known)


def split_sets(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`PATH=VALUE` texts as pairs.

    Raises:
        UsageError: a text without a path or without a sign.
    """
    pairs = []
    for text in given:
        where, sign, value = _split_set(text)
        if not sign or not where:
            raise UsageError(f"--set {text}: it takes PATH=VALUE")
        pairs.append((where, value))
    return tuple(pairs)


def _split_set(text: str) -> tuple[str, str, str]:
    """Split at the first `=` outside of [...]: a path may hold `[@name='X']`."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "=" and depth == 0:
            return text[:at], "=", text[at + 1 :]
    return text, "", ""


def _params(given: Given) -> dict[str, JsonValue]:
    """What was given of the operation's own parameters."""
    prefix = "param_"
    return {
        name.removeprefix(prefix): list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if name.startswith(prefix) and value not in (None, ())
    }


def _words(given: Given, name: str) -> tuple[str, ...]:
    value = given.get(name)
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


def options_of(context: Context, given: Given) -> PlaybookOptions:
    """How the playbook is to be run, from the options that `playbook_options` gives a command."""
    from deployer.app import PlaybookOptions

    extra = tuple(part for text in _words(given, "extra_vars") for part in ("-e", text))
    return PlaybookOptions(
        check=bool(given["check"]),
        diff=bool(given["diff"]),
        tags=_words(given, "tags"),
        skip_tags=_words(given, "skip_tags"),
        forks=int(str(given["forks"] or 0)),
        verbosity=int(str(given["verbose"])),
        become=bool(given["become"]),
        verify=bool(given["verify"]),
        vault_ids=_words(given, "vault_ids"),
        raw=(*extra, *context.raw),
    )


def list_targets(context: Context, deployer: Deployer, wanted: Wanted) -> int:
    """Print who would be started, and who is held."""
    plan = deployer.plan(wanted)
    lines = [target.name for target in plan.targets] + [f"{target.name} (held)" for target in plan.held]
    for work in plan.manual:
        context.say(f"{work.site}: {work.line}")
    code = AttentionError.exit_code if plan.manual else 0
    return context.finish(lines, lambda: console.lines(*lines), code)
