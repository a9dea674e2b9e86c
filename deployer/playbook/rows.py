"""One event of Ansible -> one row of events.jsonl: small, bounded, and without secrets.

Keys of a row: `event` (Ansible's name of it, or `end`), `time` (ISO 8601), `host`, `task`, `seconds`, `changed`,
`ignored`, `res` (the module's result: whole when it failed or changed something, else only what an outcome needs),
`stats` (only of `playbook_on_stats`) and `text` (what Ansible printed). A key without a value is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from deployer.model.json import JsonObject, JsonValue
from deployer.secrets.redactor import Redactor

STATS = "playbook_on_stats"
FAILED = frozenset({"runner_on_failed", "runner_on_async_failed"})
UNREACHABLE = "runner_on_unreachable"
OK = frozenset({"runner_on_ok", "runner_on_async_ok"})
SKIPPED = "runner_on_skipped"
START = "runner_on_start"
END = "end"
"""The last row: ours, with `status` and `rc` of ansible-runner."""

RESULT_KEYS = ("version_before", "version_after", "running", "rolled_back", "diff", "msg", "steps")
"""What an outcome is made of: the keys of the module `instance_release`, kept of every result."""
_COUNTS = ("ok", "changed", "failures", "dark", "skipped", "rescued", "ignored", "processed")
# A result repeats its arguments: the whole manifest, for our own modules.
_NOISE = frozenset({"invocation", "ansible_facts", "warnings", "deprecations"})
LONGEST_TEXT = 4_000
LONGEST_DIFF = 40_000
MOST_ITEMS = 50
DEEPEST = 6


def row_of(event: Mapping[str, object], redactor: Redactor) -> JsonObject | None:
    """The row of an event; None for one that says nothing.

    Args:
        event: as ansible-runner gives it. The first one has no `event_data`.
        redactor: secrets are taken out before texts are shortened: half a secret would not be found any more.
    """
    found = event.get("event_data")
    data: Mapping[str, object] = found if isinstance(found, Mapping) else {}
    text = printed(event, redactor)
    row: dict[str, JsonValue] = {"event": str(event.get("event")), "time": str(event.get("created", ""))}
    if host := data.get("host"):
        row |= {"host": str(host)} | _of_task(row["event"], data, redactor)
    elif row["event"] == STATS:
        row["stats"] = {name: redactor.value(data.get(name) or {}) for name in _COUNTS}
    elif not text:
        return None
    if text:
        row["text"] = shortened(text)
    return row


def printed(event: Mapping[str, object], redactor: Redactor) -> str:
    """What Ansible printed with an event, as lines without the terminal's carriage returns."""
    return redactor.text(str(event.get("stdout") or "").replace("\r\n", "\n").strip("\r\n"))


def _of_task(name: JsonValue, data: Mapping[str, object], redactor: Redactor) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {"task": shortened(redactor.text(str(data.get("task", ""))))}
    if isinstance(seconds := data.get("duration"), int | float):
        row["seconds"] = round(seconds, 3)
    if data.get("ignore_errors"):
        row["ignored"] = True
    result = data.get("res")
    if not isinstance(result, Mapping):
        return row
    if result.get("changed"):
        row["changed"] = True
    is_whole = bool(result.get("changed")) or name in FAILED or name == UNREACHABLE
    kept = {
        name: value
        for name, value in result.items()
        if name in RESULT_KEYS or (is_whole and name not in _NOISE and not str(name).startswith("_ansible"))
    }
    if kept:
        row["res"] = _bounded(redactor.value(kept))
    return row


def _bounded(value: JsonValue, name: str = "", depth: int = 0) -> JsonValue:
    if isinstance(value, str):
        return shortened(value, LONGEST_DIFF if name in {"diff", "before", "after", "prepared"} else LONGEST_TEXT)
    if isinstance(value, Mapping):
        if depth >= DEEPEST:
            return "…"
        items = list(value.items())[:MOST_ITEMS]
        return {key: _bounded(inner, key, depth + 1) for key, inner in items}
    if isinstance(value, list | tuple):
        return [_bounded(inner, name, depth + 1) for inner in value[:MOST_ITEMS]] if depth < DEEPEST else "…"
    return value


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text with its middle left out when it is too long."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"
