"""The table of situations in doc/sync.md: `python -m tests.integration.gitsync.faults.table` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.integration.gitsync.faults.catalogue import GROUPS
from tests.integration.gitsync.faults.situation import Situation

PAGE = Path(__file__).parents[4] / "doc" / "sync.md"
BEGIN, END = "<!-- situations: begin -->\n", "<!-- situations: end -->\n"


def rows(situations: tuple[Situation, ...]) -> Iterator[str]:
    """One for each situation."""
    yield "| situation | by | class | tried again | what happens |"
    yield "|---|---|---|---|---|"
    for one in situations:
        yield f"| {one.name} | {one.transport} | {one.told_class} | {one.told_tries} | {one.then} |"


def table() -> str:
    """All of it, as the page has it."""
    parts = [f"{title}\n\n" + "\n".join(rows(situations)) + "\n" for title, situations in GROUPS.items()]
    return "\n" + "\n".join(parts) + "\n"


def on_page(page: str) -> str:
    """What the page has now."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write it."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.replace(BEGIN + on_page(page) + END, BEGIN + table() + END), encoding="utf-8")


if __name__ == "__main__":
    main()
