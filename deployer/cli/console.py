"""The only way from the command line to a terminal, a pipe or a log file: nothing is written there uncleaned.

A line that is written is one line, and no character of it acts on a terminal, whoever had a say in it: our own line
breaks are lines of their own here, our own colours are arguments. What another program said in lines of its own is
`quote`d. What is a secret by its form alone, a password in a URL for one, does not get out either, whoever wrote the
text. ruff refuses every other way to write (TID251 in pyproject.toml).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from typing import TextIO

import click

from deployer.visible import quoted, visible, visible_json


def line(text: str = "", *, fg: str | None = None, bold: bool | None = None) -> None:
    """Write a line of a result to stdout."""
    shown = _shown(text)
    click.echo(click.style(shown, fg=fg, bold=bold) if fg or bold else shown)


def lines(*texts: str) -> None:
    """Write lines of a result to stdout."""
    for text in texts:
        line(text)


def quote(text: str, indent: str = "  ") -> None:
    """Write what another program said to stdout: line for line, and none of them looks like ours."""
    from deployer.secrets.shapes import without_shapes

    # The whole of it: a key has lines.
    for each in quoted(without_shapes(text)):
        line(indent + each)


def laid_out(text: str) -> None:
    """Write what a table made of cleaned cells (`deployer.cli.output.cells`); their colours are in it."""
    click.echo(text)


def document(value: object, *, indent: int | None = None) -> None:
    """Write a JSON document to stdout: the same value after parsing, and harmless before it."""
    text = visible_json(value, indent)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = visible_json(value, indent, ascii_only=True)
    click.echo(text)


def raw(content: bytes) -> None:
    """Write data to stdout as it is: somebody asked for the content of a file."""
    sys.stdout.buffer.write(content)


def script(text: str) -> None:
    """Write a program of ours to stdout as it is, for a shell."""
    click.echo(text)


def flush() -> None:
    """Hand over what waits to be written to stdout."""
    sys.stdout.flush()


def tell(*texts: str) -> None:
    """Write lines to stderr; where nobody reads them any more, or a disk is full, what is being done goes on."""
    try:
        for text in texts:
            click.echo(_shown(text), err=True)
    except OSError as error:
        if _is_of_reader(error, sys.stderr):
            _to_nobody(sys.stderr)


def ask(question: str) -> bool:
    """Ask a person on the terminal."""
    return click.confirm(_shown(question), err=True)


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_live() -> bool:
    """Whether messages go to a terminal."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def reader_may_leave() -> Iterator[None]:
    """The reader of our output (head, less, a terminal) went away: that is no failure of what only prints.

    Never around work that is being done: it would end in the middle, and nobody would be told.
    """
    try:
        yield
    except (OSError, SystemExit) as error:  # rich leaves by SystemExit
        met = error.__context__ if isinstance(error, SystemExit) else error
        if not _is_of_reader(met, sys.stdout):
            raise
        _to_nobody(sys.stdout)


def _shown(text: str) -> str:
    # Imported late: `--help` has no use for it.
    from deployer.secrets.shapes import without_shapes

    return visible(without_shapes(text))


def _is_of_reader(error: BaseException | None, stream: TextIO) -> bool:
    """Whether nobody reads any more: a pipe is broken, or the terminal was closed (`isatty` is false then)."""
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)
    return isinstance(error, BrokenPipeError)


def _to_nobody(stream: TextIO) -> None:
    """What is still to be written there goes nowhere; Python itself would end with 120 over what it could not write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
