"""Receipt and journal: read back what was written, and make nothing of what somebody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.release_switch.layout import Layout
from ansible.module_utils.release_switch.receipt import (
    Journal,
    Receipt,
    State,
    read_journal,
    read_receipt,
    remove_journal,
    write_journal,
    write_receipt,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An instance's folder."""
    (tmp_path / "viatris").mkdir()
    return Layout(str(tmp_path), "viatris")


def test_receipt_comes_back(layout: Layout) -> None:
    """Every field is kept."""
    receipt = Receipt("run-1", 7, "1.1.0", "1.0.0", "ab" * 32, "2026-11-20T21:46:55Z", 4)
    write_receipt(layout, receipt)
    assert read_receipt(layout) == receipt


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fence": "9", "version": null, "other": 1, "switches": true}'])
def test_receipt_of_somebody_else(layout: Layout, text: str) -> None:
    """What cannot be of ours counts as not there."""
    layout.receipt.write_text(text)
    assert read_receipt(layout) == Receipt()


def test_journal_comes_back(layout: Layout) -> None:
    """Both states are kept, no file and an empty file apart, and others cannot read the configurations in it."""
    journal = Journal(State("", None), State("1.0.0", ""), started=True)
    write_journal(layout, journal)
    assert read_journal(layout) == journal
    assert layout.journal.stat().st_mode & 0o777 == 0o600
    remove_journal(layout)
    remove_journal(layout)
    assert read_journal(layout) is None


@pytest.mark.parametrize("text", ["null", "{}", '{"before": {"version": "1"}, "wanted": {}, "started": true}'])
def test_journal_that_cannot_be_read(layout: Layout, text: str) -> None:
    """A journal of another form says nothing."""
    layout.journal.write_text(text)
    assert read_journal(layout) is None
