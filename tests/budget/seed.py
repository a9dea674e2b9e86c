"""The seed of a test run: the day and the commit, so that each day and each commit sees other cases."""

from __future__ import annotations

import os
import random
import subprocess
from datetime import UTC, datetime
from pathlib import Path

TOP = Path(__file__).parents[2]
DAY = 86400


def git(*arguments: str) -> str:
    """What git prints in the checkout, whoever owns it; empty where there is no repository."""
    done = subprocess.run(
        ["git", "-C", str(TOP), "-c", "safe.directory=*", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _today() -> str:
    day = datetime.now(UTC).date().isoformat()
    return f"{day}-{git('rev-parse', '--short=10', 'HEAD') or 'no-commit'}"


# Workers inherit the environment: all of them must choose the same cases.
SEED = os.environ.setdefault("TESTS_SEED", _today())
"""Set TESTS_SEED to play the cases of another day again."""


def dice(*words: object) -> random.Random:
    """A generator whose numbers depend on the words alone, such as the seed of a case."""
    return random.Random("/".join(map(str, words)))


def base() -> str:
    """The commit that changes are seen from: TESTS_BASE; without it, what was there a day before the newest commit."""
    # The base of a branch that is pushed for the first time is no commit.
    named = git("rev-parse", "--verify", "--quiet", f"{os.environ.get('TESTS_BASE') or 'none'}^{{commit}}")
    # Of another branch: where this one began, since what others landed there is not of this change.
    return git("merge-base", named, "HEAD") or named if named else _day_before()


def changed_files(since: str) -> list[str]:
    """Files that differ from a commit; none where there is no commit."""
    return git("diff", "--name-only", since).splitlines() if since else []


def _day_before() -> str:
    newest = git("log", "-1", "--format=%ct")
    return git("rev-list", "-1", f"--before={int(newest) - DAY}", "HEAD") if newest else ""
