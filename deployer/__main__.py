"""`python -m deployer` and the `deployer` command."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line and end with its exit code (doc/exit_codes.md)."""
    from deployer.cli.streams import open_closed

    # Before anything is imported that may open a file.
    open_closed()
    from deployer.cli.main import main

    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
