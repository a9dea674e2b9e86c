"""Create .venv and install the project into it; say what is missing where that cannot be done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(folder: str, lock: str) -> int:
    """Make the environment, with exactly what a lock file names; the exit code for make."""
    if sys.version_info < (3, 11):  # noqa: UP036  this file runs before anything was installed
        print(f"deployer needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}", file=sys.stderr)
        print("try: make PYTHON=python3.12 ...", file=sys.stderr)
        return 1
    if not (Path(folder) / "bin" / "pip").exists():
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=False)
        if made.returncode:
            print("Python's venv module is needed; on Debian: apt-get install python3-venv", file=sys.stderr)
            return made.returncode
    pip = [str(Path(folder) / "bin" / "python"), "-m", "pip", "install", "-q"]
    # The lock file is complete, and has what builds the project: nothing else is looked for.
    locked = subprocess.call([*pip, "--no-deps", "--require-hashes", "-r", lock])
    return locked or subprocess.call([*pip, "--no-deps", "--no-build-isolation", "-e", "."])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
