"""The structural merge against `git merge-file`: what it settles of real merges, and what it costs."""

from __future__ import annotations

import contextlib
import gc
import math
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.manifests import ManifestFormats
from deployer.manifests.formats import format_of
from deployer.manifests.lines import merge_lines
from tests.benchmarks.bounds import within
from tests.benchmarks.merge_cases import CORPUS, Case, cases, git_merge
from tests.budget.marks import deeper, depth

pytestmark = pytest.mark.benchmark
FORMATS = ("xml", "yaml", "json")
IN_A_ROW = 10
LEAST_SECONDS, MOST_SECONDS = 3, 90


def measured(found: list[Case]) -> tuple[Counter[tuple[str, str]], list[str], list[str]]:
    """How often git's outcome and ours met; settled cases that differ from the person's, and wrong ones."""
    counts: Counter[tuple[str, str]] = Counter()
    differing, wrong = [], []
    for case in found:
        by_git = git_merge(case)
        git = "conflict" if by_git is None else "right" if case.is_same(by_git) else "wrong"
        result = ManifestFormats().merge(f"v{case.suffix}", case.base, case.ours, case.theirs).content
        if result is None:
            ours = "true conflict" if case.is_true else "conflict"
        else:
            ours = "as the person" if case.is_same(result) else "otherwise"
            differing += [case.name] if ours == "otherwise" else []
            wrong += [case.name] if ours == "otherwise" and case.is_wrong(result) else []
        counts[git, ours] += 1
    return counts, differing, wrong


OUTCOMES = ("as the person", "otherwise", "conflict", "true conflict")


def table(counts: Counter[tuple[str, str]]) -> str:
    """The outcomes of git down, ours across."""
    lines = ["git merge-file   " + "".join(f"{outcome:>15}" for outcome in OUTCOMES)]
    lines += [
        f"{git:<17}" + "".join(f"{counts[git, outcome]:>15}" for outcome in OUTCOMES)
        for git in ("right", "wrong", "conflict")
    ]
    return "\n".join(lines)


@pytest.mark.skipif(not CORPUS, reason="DEPLOYER_CORPUS names no folder of real merges")
def test_real_merges(capsys: pytest.CaptureFixture[str]) -> None:
    """No wrong result; three quarters of the conflicts that need not be are none; what git does right stays right."""
    counts, differing, wrong = measured(cases(CORPUS))
    settled = sum(counts[git, outcome] for git in ("wrong", "conflict") for outcome in OUTCOMES[:2])
    left = counts["wrong", "conflict"] + counts["conflict", "conflict"]
    lost = counts["right", "conflict"] + counts["right", "true conflict"]
    with capsys.disabled():
        print(f"\n{table(counts)}\nsettled {settled} of {settled + left} that are no true conflicts")  # noqa: T201  a table
        print("otherwise than the person:", *differing, "\nwrong:", *wrong, sep="\n  ")  # noqa: T201  a table

    assert not wrong
    assert settled >= 0.75 * (settled + left)
    assert lost <= max(1, 0.02 * sum(counts["right", outcome] for outcome in OUTCOMES))


def manifest(form: str, count: int) -> str:
    """A manifest of so many components, four lines each (in YAML five)."""
    if form == "xml":
        item = '  <component name="c%d">\n    <image>registry/c%d:1</image>\n    <port>%d</port>\n  </component>\n'
        return "<m>\n" + "".join(item % (at, at, at) for at in range(count)) + "</m>\n"
    if form == "yaml":
        return "m:\n" + "".join(
            f"  - name: c{at}\n    image: registry/c{at}:1\n    port: {at}\n" for at in range(count)
        )
    items = [f'  {{\n    "name": "c{at}",\n    "port": {at}\n  }}' for at in range(count)]
    return '{"m": [\n' + ",\n".join(items) + "\n]}\n"


def sides(form: str, count: int) -> tuple[bytes, bytes, bytes]:
    """Base, and a change near its beginning and near its end."""
    base = manifest(form, count)
    ours, theirs = base.replace("c3", "d3"), base.replace(f"c{count - 3}", f"d{count - 3}")
    return base.encode(), ours.encode(), theirs.encode()


def seconds(call: Callable[[], object], rounds: int) -> float:
    """The median of some calls: processor time of this process."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return statistics.median(found)


@pytest.mark.parametrize("form", FORMATS)
def test_a_manifest_of_150_lines_costs_at_most_two_processes_of_git(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quickest of many runs in this process, against git's for the same bytes: three files and a process.

    The process alone, with the files there already, is printed beside it. The quickest, because a neighbour on the same
    core makes Python up to twice as slow, and git hardly; so it may take a while until one has the machine for itself.
    """
    versions = sides(form, 150 // (len(manifest(form, 2).splitlines()) - len(manifest(form, 1).splitlines())))
    for name, data in zip(("base", "ours", "theirs"), versions, strict=True):
        (tmp_path / name).write_bytes(data)
    command = ["git", "merge-file", "-p", "ours", "base", "theirs"]
    ways: tuple[Callable[[], object], ...] = (
        lambda: ManifestFormats().merge(f"v.{form}", *versions),
        lambda: merge_lines(versions, 7),
        lambda: subprocess.run(command, cwd=tmp_path, capture_output=True, check=True),
    )
    best, start = [math.inf] * len(ways), time.monotonic()
    with quiet_collector():
        while (took := time.monotonic() - start) < LEAST_SECONDS or (best[0] > 2 * best[1] and took < MOST_SECONDS):
            for at, way in enumerate(ways):
                best[at] = min(best[at], *(timed(way) for _ in range(IN_A_ROW)))
    ours, git, process = best
    with capsys.disabled():
        said = f"150 lines of {form}: {ours / git:.2f} of git (at most 2), {ours / process:.2f} of its process alone"
        print(f"\n{said}")  # noqa: T201  a benchmark prints

    assert ours <= within(2) * git


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@contextlib.contextmanager
def quiet_collector() -> Iterator[None]:
    """What the test run itself holds in memory is not searched for garbage on the account of what is measured."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@deeper(25)
@pytest.mark.parametrize("form", FORMATS)
def test_ten_megabytes_cost_at_most_sixty_times_their_parse(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Against reading the same file once, as every other command does."""
    size = depth(1_000_000, 10_000_000)
    line = {
        "xml": '<e name="%d">%s</e>\n',
        "yaml": "- {name: e%d, value: %s}\n",
        "json": '{"name": "e%d", "value": "%s"},\n',
    }
    items = "".join(line[form] % (at, "text " * 80) for at in range(size // 432))
    start, end = {"xml": ("<m>\n", "</m>\n"), "yaml": ("", ""), "json": ("[\n", '{"name": "last"}]\n')}[form]
    base = (start + items + end).encode()
    ours, theirs = (
        base.replace(b"text ", b"TEXT ", 1),
        base[: len(base) // 2] + base[len(base) // 2 :].replace(b"text", b"more", 1),
    )
    formats = ManifestFormats()
    assert formats.merge(f"v.{form}", base, ours, theirs).content is not None
    parse = seconds(lambda: format_of(f"v.{form}").read("v", base), 3)
    ratio = seconds(lambda: formats.merge(f"v.{form}", base, ours, theirs), 1) / parse
    with capsys.disabled():
        print(f"\n{len(base)} bytes of {form}: {ratio:.1f} times its parse (at most 60)")  # noqa: T201  a benchmark prints
    assert ratio <= within(60)


@deeper(25)
@pytest.mark.parametrize("form", FORMATS)
def test_the_cost_of_an_element_does_not_grow(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """From 1,000 elements to 100,000: at most four times as much for each."""
    counts = (1_000, depth(10_000, 100_000))
    formats = ManifestFormats()
    per = []
    for count in counts:
        versions = sides(form, count)
        assert formats.merge(f"v.{form}", *versions).content is not None
        per.append(seconds(lambda versions=versions: formats.merge(f"v.{form}", *versions), 3) / count)  # type: ignore[misc]  # a default binds it
    with capsys.disabled():
        print(f"\n{form}: {per[1] / per[0]:.2f} times as much for each of {counts[1]} elements (at most 4)")  # noqa: T201
    assert per[1] / per[0] <= within(4)
