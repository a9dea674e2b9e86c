"""Names of made-up customers: always the same ones in the same order."""

from __future__ import annotations

from itertools import islice, product

_KNOWN = ("viatris", "acme-logistics", "northwind", "harbourline", "lumen-textiles", "quarry-stone", "pinecrest")
_PLACES = (
    *("alder", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "hazel", "indigo", "juniper", "kestrel"),
    *("lark", "meridian", "nordic", "opal", "prairie", "quill", "raven", "summit", "tundra", "umber", "vale"),
    *("willow", "yarrow", "zephyr"),
)
_TRADES = (
    *("airways", "bakeries", "ceramics", "dairy", "energy", "freight", "glassworks", "hotels", "insurance", "jewels"),
    *("kitchens", "lighting", "media", "optics", "paper", "rail", "shipping", "timber", "vineyards", "water"),
)
_NAMED = 500


def names(count: int) -> tuple[str, ...]:
    """So many names, each usable as that of an instance; `viatris` is the first. Beyond 500 they are numbered."""
    # Trade by trade, so that a small sandbox does not look like one family's firms.
    made_up = (f"{place}-{trade}" for trade, place in product(_TRADES, _PLACES))
    named = (*_KNOWN, *islice(made_up, _NAMED - len(_KNOWN)))
    return (*named[:count], *(f"tenant-{number:04}" for number in range(_NAMED + 1, count + 1)))


def title(name: str) -> str:
    """The name as a person writes it: `acme-logistics` -> `Acme Logistics`."""
    return name.replace("-", " ").title()
