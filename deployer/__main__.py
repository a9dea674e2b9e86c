"""`python -m deployer` and the `deployer` command."""

from __future__ import annotations

import gc
import sys


def run() -> None:
    """Run the command line and end with its exit code (doc/exit_codes.md)."""
    # What is imported stays: searching it for garbage again and again, as Python does by itself after each 700 new
    # objects, was a fifth of the start.
    gc.set_threshold(50_000)
    from deployer.cli.streams import open_closed, settle

    # Before anything is imported that may open a file.
    open_closed()
    from deployer.cli.main import main

    code = main(sys.argv[1:])
    settle()
    sys.exit(code)


if __name__ == "__main__":
    run()
