"""The list of situations itself: what it covers, and that the page shows it."""

from __future__ import annotations

from collections import Counter

from deployer.gitsync.classes import CLASSES
from tests.integration.gitsync.faults.catalogue import CATALOGUE
from tests.integration.gitsync.faults.table import PAGE, on_page, table


def test_every_class_is_produced() -> None:
    """There is no class that only a table knows."""
    produced = {kind for situation in CATALOGUE for kind in (*situation.tries, situation.ends)}

    assert CLASSES.keys() == produced - {""}


def test_every_class_is_produced_every_day() -> None:
    """The sample leaves out situations, never a class."""
    produced = {kind for one in CATALOGUE if not one.is_deep for kind in (*one.tries, one.ends)}

    assert CLASSES.keys() == produced - {""}


def test_no_situation_is_there_twice() -> None:
    """Each has a name of its own on its transport."""
    many = Counter((situation.name, situation.transport) for situation in CATALOGUE)

    assert [name for name, count in many.items() if count > 1] == []


def test_the_page_shows_them() -> None:
    """doc/sync.md has the table of the suite (`python -m tests.integration.gitsync.faults.table` writes it)."""
    assert on_page(PAGE.read_text(encoding="utf-8")) == table()
