"""The lock files: exact versions with hashes, of all that pyproject.toml names, and no address of an index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
EXTRAS = [each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra]
RUN = [*PROJECT["project"]["dependencies"], *GROUPS["build"]]
TEST = [*RUN, *EXTRAS, *(each for each in GROUPS["test"] if isinstance(each, str))]
DEVELOP = [*TEST, *GROUPS["mutants"], *(each for each in GROUPS["dev"] if isinstance(each, str))]
FILES = {"lock.txt": RUN, "lock-test.txt": TEST, "lock-dev.txt": DEVELOP}


def normal(requirement: str) -> str:
    """The name in it, as the lock files spell names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", requirement)[0]).lower()


def entries(file: str) -> list[str]:
    """Each requirement with its hashes, as one line."""
    text = (TOP / ".ci" / file).read_text(encoding="utf-8")
    return [line for line in text.replace("\\\n", "").splitlines() if line.strip()]


@pytest.mark.parametrize("file", FILES)
def test_all_that_is_needed_is_pinned(file: str) -> None:
    """`make lock` writes them anew when pyproject.toml names something else."""
    assert {normal(each) for each in FILES[file]} <= {normal(entry) for entry in entries(file)}


@pytest.mark.parametrize("file", FILES)
def test_each_entry_is_one_version_with_hashes(file: str) -> None:
    """Nothing else is in the file, no address and no option of pip."""
    exact = re.compile(r"[a-z0-9-]+==[\w.+]+( ; [\w '\"<>=!.()]+)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")

    assert [entry for entry in entries(file) if not exact.fullmatch(entry)] == []
