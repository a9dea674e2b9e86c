"""`python -m deployer` and the `deployer` command."""

from __future__ import annotations

import gc
import os
import sys


def run() -> None:
    """Run the command line and end with its exit code (doc/exit_codes.md)."""
    leave_current_folder()
    # What is imported stays: searching it for garbage again and again, as Python does by itself after each 700 new
    # objects, was a fifth of the start.
    gc.set_threshold(50_000)
    from deployer.cli.streams import open_closed, settle, write_anything

    # Before anything is imported that may open a file.
    open_closed()
    write_anything()
    from deployer.cli.main import main

    code = main(sys.argv[1:])
    settle()
    sys.exit(code)


def leave_current_folder() -> None:
    """Import nothing from the current folder, and start no program that is found there by its name.

    `python -m` and an empty entry of `PYTHONPATH` lead Python into it, an empty or relative entry of `PATH` whatever
    starts a program. The folder may be a clone of a repository to which others push.
    """
    # The package itself may be there: in a checkout of it.
    ours = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120  pathlib is not imported yet
    try:
        here = os.path.realpath(os.curdir)
    except OSError:  # the folder is gone
        here = ours
    if here != ours:
        sys.path[:] = [path for path in sys.path if path and os.path.realpath(path) != here]
    from deployer.surroundings import search_path

    os.environ["PATH"] = search_path(os.environ)


if __name__ == "__main__":
    run()
