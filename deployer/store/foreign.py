"""What is not taken from a record that others may have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deployer.model.command import Operand, Place, typed
from deployer.model.sync import ManualWork
from deployer.store.forms import shown, unusable


def mapping(value: object) -> Mapping[str, object]:
    """A JSON column that holds one of our values.

    Raises:
        StoreError: it holds something else.
    """
    if not isinstance(value, Mapping):
        raise unusable("value", f"{shown(value)} is no mapping")
    return value


def without_commands(work: ManualWork) -> ManualWork:
    """The work without the commands to paste, and with how to get them from the clone itself."""
    where = (Operand(work.site),) if work.site else ("--clone", Place(work.path))
    said = f"The record is shared, so commands are not taken from it: {typed('deployer', 'sync', *where)} shows them."
    return replace(work, commands=(), detail=f"{work.detail}\n{said}" if work.detail else said)
