"""The command group, and the boundary from errors to exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from deployer import __version__
from deployer.cli import console
from deployer.cli.commands import load_command, summaries
from deployer.cli.options import Context, refuse_empty, where
from deployer.errors import DeployerError, UsageError
from deployer.visible import quoted


class _Commands(click.Group):
    """Commands that are imported when they are used: start-up is a feature."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click gives it
        return list(summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click gives it
        return load_command(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; a slip of the finger is answered with what is near."""
        known = summaries()
        if not ctx.resilient_parsing and args and not args[0].startswith("-") and load_command(args[0]) is None:
            near = get_close_matches(args[0], known, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else "deployer --help lists them"
            raise UsageError(f"no such command: {args[0]}", hint=hint)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Click itself would end without a word where any pipe broke, that of a host too."""
        context = ctx.ensure_object(Context)
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # No command began: it was the help of one that nobody wanted to read to its end.
            return _failed(context, error) if context.command else 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click gives it
        """The list of commands, without importing each as click would."""
        with formatter.section("Commands"):
            formatter.write_dl(list(summaries().items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="deployer")
@where
@click.pass_context
def cli(ctx: click.Context, /, **given: object) -> None:
    """Roll out instances through the deployer host of each site, and keep the config repositories there in step."""
    refuse_empty(ctx)
    ctx.ensure_object(Context).take(given)


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: the command line, less the program's name.

    Returns:
        The exit code (doc/exit_codes.md).
    """
    own, raw = _split(arguments)
    context = Context(raw=raw, as_json="--json" in own, arguments=tuple(arguments))
    try:
        code = cli.main(list(own), prog_name="deployer", standalone_mode=False, obj=context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except SystemExit as leave:  # click's way to leave after an answer to the Tab key
        return int(leave.code or 0)
    except BaseException as error:  # noqa: BLE001  the one boundary: whatever it is becomes words and a code
        return _failed(context, error)
    return code if isinstance(code, int) else 0


def _split(arguments: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Our arguments, and the raw ones for ansible-playbook behind `--`."""
    if "--" not in arguments:
        return tuple(arguments), ()
    at = list(arguments).index("--")
    return tuple(arguments[:at]), tuple(arguments[at + 1 :])


def _failed(context: Context, error: BaseException) -> int:
    known = _known(error)
    if known is None:
        known = DeployerError(f"{type(error).__name__}: {error}", hint=_report(context, error))
    try:
        context.fail(known)
    except OSError:  # there is no room for the document, which is what failed perhaps
        console.tell(f"deployer: {known.message}", *(f"  {line}" for line in known.hints))
    return known.exit_code


def _known(error: BaseException) -> DeployerError | None:
    """The error in our words, or None for one that nobody foresaw."""
    if isinstance(error, DeployerError):
        return error
    if isinstance(error, click.ClickException):
        # Click lists choices in lines of their own.
        said = " ".join(error.format_message().split()).removesuffix(".")
        return UsageError(said, hint="--help says what there is")
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        from deployer.cli.stopping import stopped

        return stopped(error)
    return None


def _of_system(error: OSError) -> DeployerError | None:
    if isinstance(error, FileNotFoundError) and not _stands_somewhere():
        return UsageError("the current folder is gone", hint="cd to one that is there, or give whole paths")
    # A write to a stream has no file name in its error.
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} and error.filename is None:
        return DeployerError(f"the output could not be written: {error.strerror}")
    return None


def _stands_somewhere() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _report(context: Context, error: BaseException) -> str:
    """Write what a maintainer needs to a file, and say where: no values and no environment, and no secrets in words."""
    import tempfile
    import traceback

    from deployer.secrets.shapes import without_shapes

    lines = quoted(without_shapes("".join(traceback.format_exception(error))))
    head = f"deployer {__version__}, Python {sys.version.split()[0]}, command {context.arguments[:1]}"
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="deployer-report-", suffix=".txt", delete=False
    ) as report:
        report.write("\n".join((head, "", *lines)))
    return f"this is a fault of deployer; please report it with {Path(report.name)}"
