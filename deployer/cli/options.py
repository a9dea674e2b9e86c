"""What every command shares: the options that say where to work, and how results are printed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from deployer.cli import console
from deployer.cli.completing import complete_sandboxes
from deployer.errors import DeployerError, UsageError
from deployer.model.command import typed

if TYPE_CHECKING:
    from deployer.app import Deployer

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(slots=True)
class Context:
    """One call of the command line."""

    raw: tuple[str, ...] = ()
    """Arguments behind `--`."""
    as_json: bool = False
    arguments: tuple[str, ...] = ()
    command: str = ""
    sandbox: str = ""
    inventory: str = ""
    environment: str = ""
    is_silent: bool = False
    """`--cron`: nothing is printed unless a person is needed or something failed."""

    def take(self, given: dict[str, object]) -> None:
        """Take the options of `where` out of what click gives; what was given after the command's name wins."""
        for name in ("sandbox", "inventory", "environment"):
            setattr(self, name, str(given.pop(name)) or getattr(self, name))
        self.as_json = bool(given.pop("as_json")) or self.as_json

    def deployer(self) -> Deployer:
        """The library, set up as the options say."""
        from deployer.app import Deployer

        made = Deployer(sandbox=self.sandbox, inventory=self.inventory, environment=self.environment)
        if made.settings.sandbox and (warning := made.sandboxes.warning(made.settings.sandbox)):
            self.say(warning)
        return made

    def deployer_of(self, sandbox: str) -> Deployer:
        """The library, set up for a sandbox."""
        from deployer.app import Deployer

        return Deployer(sandbox=sandbox)

    def finish(self, data: object, text: Callable[[], None], code: int = 0) -> int:
        """Print a result, as a document or as text, and give the exit code back: also when nobody reads to the end."""
        with console.reader_may_leave():
            if self.as_json:
                self._document(code, data=data)
            elif not self.is_silent or code:
                text()
            console.flush()
        return code

    def fail(self, error: DeployerError) -> None:
        """Print an error: one line, and what to do next."""
        if self.as_json:
            problem = {"reason": error.reason, "message": error.message, "hint": error.hint, "retry": error.retry}
            with console.reader_may_leave():
                self._document(error.exit_code, error=problem)
        console.tell(f"deployer: {error.message}", *(f"  {line}" for line in error.hints))

    def say(self, *texts: str) -> None:
        """Lines of a message, which is not a result."""
        if not self.is_silent:
            console.tell(*texts)

    def _document(self, code: int, *, data: object = None, error: object = None) -> None:
        from deployer.model.codec import SCHEMA_VERSION, to_json
        from deployer.secrets.redactor import without_unknown

        document = {
            "schema": SCHEMA_VERSION,
            "command": self.command or next(iter(self.arguments), ""),
            "exit_code": code,
            "data": without_unknown(to_json(data)),
            "error": without_unknown(to_json(error)),
        }
        console.document(document, indent=2)

    @property
    def is_interactive(self) -> bool:
        """Whether a person can be asked."""
        return console.is_interactive()


_SELECTS = ("limit", "sandbox", "inventory", "environment", "tags", "skip_tags", "site", "operation", "to")
"""Options that choose, from one end of the command line to the other."""


def refuse_empty(ctx: click.Context) -> None:
    """Refuse an option that was given to choose something, and names nothing.

    `-l "$FAILED"` with the variable unset must not mean everything.

    Raises:
        UsageError: its text is empty, or only blanks and separators.
    """
    for option in ctx.command.params:
        if option.name not in _SELECTS or ctx.get_parameter_source(option.name) is not ParameterSource.COMMANDLINE:
            continue
        given = ctx.params[option.name]
        for text in given if isinstance(given, tuple) else (given,):
            if isinstance(text, str) and not text.strip(" \t\n,:"):
                spelling = max(option.opts, key=len)
                raise UsageError(f"{spelling} {text!r} names nothing", hint=f"leave {spelling} out for no such choice")


def _clone(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Path | None:
    if text is not None and not text.strip():
        raise UsageError(f"--clone {text!r} names nothing", hint="--clone . is the folder that one stands in")
    return None if text is None else Path(text)


clone_option = click.option(
    "--clone", type=click.Path(), callback=_clone, help="One clone on this machine; needs no inventory."
)
"""Of the commands that work in one clone."""


def refuse_raw(ctx: click.Context, raw: Sequence[str]) -> None:
    """Refuse what stands behind `--` where no playbook is run: dropped, `sync -- fra1` would mean every site.

    Raises:
        UsageError: there is something, and the command has no `-e`: that is for Ansible, as what is behind `--`.
    """
    if raw and not any(option.name == "extra_vars" for option in ctx.command.params):
        raise UsageError(
            f"{ctx.info_name} takes nothing behind --: {typed(*raw)}",
            hint="-- is for arguments of ansible-playbook; a file whose name begins with a hyphen is ./-name",
        )


def where(function: Command) -> Command:
    """The options that say where to work and how to print: good before the command's name and after it."""
    options = (
        click.option(
            "--sandbox",
            default="",
            metavar="NAME",
            help="Work in this sandbox (or DEPLOYER_SANDBOX).",
            shell_complete=complete_sandboxes,
        ),
        click.option("--inventory", "-i", default="", metavar="DIR", help="Inventory directory."),
        click.option("--environment", "-E", default="", help="Environment: a folder of your inventories."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document (doc/json.md)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def common(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all have, and the Context as its first argument."""

    @where
    @click.pass_context
    @functools.wraps(function)
    def wrapped(ctx: click.Context, /, **kwargs: object) -> int:
        context = ctx.ensure_object(Context)
        if os.environ.get("NO_COLOR"):
            # Rich knows it, click does not.
            ctx.color = False
        context.command = ctx.command_path.removeprefix("deployer ")
        refuse_empty(ctx)
        refuse_raw(ctx, context.raw)
        context.take(kwargs)
        return function(context, **kwargs)

    return wrapped
