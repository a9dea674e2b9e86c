"""Manifests to merge: a model of one, edits of it, and how it is written in each format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

FORMATS = ("xml", "yaml", "json")
Component = dict[str, str]
Model = dict[str, Component]
"""Component by name -> its fields; the order of the components is that of the list in the file."""

NAMES = ("web", "db", "cache", "queue", "mail", "cron")
FIELDS = ("image", "port", "memory", "health", "owner")
VALUES = st.text("abz019 .:/-'\"<&#{}é", max_size=6)


@dataclass(frozen=True)
class Edit:
    """A change at one place."""

    kind: str
    """`set` a field, `drop` one, `add` a component, `remove` one."""
    component: str
    field: str = ""
    value: str = ""

    def apply(self, model: Model) -> Model:
        """The model, changed."""
        changed = {name: dict(fields) for name, fields in model.items()}
        if self.kind == "add":
            changed[self.component] = {"image": self.value}
        elif self.kind == "remove":
            del changed[self.component]
        elif self.kind == "set":
            changed[self.component][self.field] = self.value
        else:
            del changed[self.component][self.field]
        return changed


def apply(model: Model, edits: list[Edit]) -> Model:
    """The model with all edits."""
    for edit in edits:
        model = edit.apply(model)
    return model


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A manifest with some components."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    return {name: draw(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4)) for name in names}


def places(model: Model) -> list[Edit]:
    """Every edit that could be made, without values; no two of them are of the same place."""
    known = [
        Edit("drop" if field in fields else "set", name, field) for name, fields in model.items() for field in FIELDS
    ]
    return [*known, *(Edit("add", name) for name in NAMES if name not in model)]


@st.composite
def sides(draw: st.DrawFn) -> tuple[Model, list[Edit], list[Edit]]:
    """A base and what two people do to it, no two at the same place."""
    base = draw(models())
    chosen = draw(st.permutations(places(base)))
    removed = draw(st.sets(st.sampled_from(sorted(base)), max_size=2)) if base else set()
    edits = [_valued(draw, edit, base) for edit in chosen[: draw(st.integers(0, 6))] if edit.component not in removed]
    edits += [Edit("remove", name) for name in sorted(removed)]
    split = draw(st.lists(st.booleans(), min_size=len(edits), max_size=len(edits)))
    ours = [edit for edit, is_ours in zip(edits, split, strict=True) if is_ours]
    return base, ours, [edit for edit, is_ours in zip(edits, split, strict=True) if not is_ours]


def _valued(draw: st.DrawFn, edit: Edit, base: Model) -> Edit:
    """With a value that is not there yet; a field that is there may be changed as well as dropped."""
    if edit.kind == "drop" and draw(st.booleans()):
        return edit
    was = base.get(edit.component, {}).get(edit.field)
    value = draw(VALUES.filter(lambda text: text.strip() != (was or "").strip()))
    return Edit("add" if edit.kind == "add" else "set", edit.component, edit.field, value)


def written(model: Model, form: str, indent: int = 2) -> bytes:
    """The model as a file."""
    return {"xml": _xml, "yaml": _yaml, "json": _json}[form](model, " " * indent).encode()


def _xml(model: Model, indent: str) -> str:
    lines = ["<instance>", f"{indent}<components>"]
    for name, fields in model.items():
        lines.append(f"{indent * 2}<!-- about {name} -->")
        attributes = "".join(f" {field}={quoteattr(value)}" for field, value in sorted(fields.items()))
        lines += [f"{indent * 2}<component name={quoteattr(name)}{attributes}>", f"{indent * 3}<on/>"]
        lines.append(f"{indent * 2}</component>")
    return "\n".join([*lines, f"{indent}</components>", "</instance>", ""])


def _yaml(model: Model, indent: str) -> str:
    lines = ["instance:", f"{indent}components:" if model else f"{indent}components: []"]
    for name, fields in model.items():
        lines += [f"{indent}# about {name}", f"{indent}- name: {name}"]
        lines += [f"{indent}  {field}: {json.dumps(value)}  # {field}" for field, value in sorted(fields.items())]
    return "\n".join([*lines, ""])


def _json(model: Model, indent: str) -> str:
    items = [{"name": name, **dict(sorted(fields.items()))} for name, fields in model.items()]
    return json.dumps({"instance": {"components": items}}, indent=len(indent), ensure_ascii=False) + "\n"


def read(form: str, value: object) -> dict[str, Mapping[str, str]]:
    """What a manifest that was read says: the components by name."""
    instance = cast("Mapping[str, object]", value)
    if form == "xml":
        held = cast("Mapping[str, object] | None", instance.get("components")) or {}
        items = held.get("component", [])
    else:
        held = cast("Mapping[str, object]", instance["instance"])
        items = held["components"]
    listed = cast("list[Mapping[str, str]]", items if isinstance(items, list) else [items])
    told = [{key.removeprefix("@"): said for key, said in item.items() if key != "on"} for item in listed]
    found = {item.pop("name"): item for item in told}
    assert len(found) == len(listed)
    return cast("dict[str, Mapping[str, str]]", found)
