"""From rows of events.jsonl to events and outcomes.

Only events count, never an exit code: 0 can mean that nothing was done, and 4 hides failed targets. Ansible's summary
(`playbook_on_stats`) decides, since it alone knows which failures were ignored or rescued.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployer.model.json import JsonObject, JsonValue
from deployer.model.plan import Target
from deployer.model.run import Event, Outcome, TargetResult
from deployer.playbook import rows
from deployer.playbook.endings import BY_SIGNAL

_ERROR = ("[ERROR]: ", "ERROR! ", "ERROR: ", "ansible-playbook: error: ")
_PLACE = "Origin: "
_NO_DETAIL = ("Traceback", "<<<", "PLAY", "TASK", "usage: ")
_DATA_KEYS = ("version_before", "version_after", "running", "rolled_back", "steps")
_LONGEST_LINE = 500
_NO_ERROR = frozenset({"MODULE FAILURE", "(traceback unavailable)"})


@dataclass(slots=True)
class _Host:
    """What is known of one target while the playbook runs."""

    result: TargetResult
    failures: list[tuple[str, str]] = field(default_factory=list)
    """(task, error) of every failure that Ansible did not ignore; some may be rescued later."""
    unreachable: str = ""
    last: str = ""
    """The event of its last row."""
    diffs: list[str] = field(default_factory=list)

    @property
    def seen(self) -> bool:
        return self.result.started is not None


class Outcomes:
    """Reads the rows of one playbook run.

    Args:
        targets: of the batch; a row of another host (a `localhost` play) is only told as an event.
        clock_time: taken for a row without a usable time.
    """

    def __init__(self, targets: Sequence[Target], clock_time: datetime) -> None:
        self._hosts = {t.name: _Host(TargetResult(t.name, t.site, Outcome.NOT_STARTED)) for t in targets}
        self._time = clock_time
        self._stats: Mapping[str, JsonObject] | None = None
        self._end: JsonObject = {}
        self._error = ""
        self._place = ""
        self._last_line = ""
        self._died = ""
        self._error_line = ""

    @property
    def ended(self) -> bool:
        """Whether the child recorded the run's end."""
        return bool(self._end)

    @property
    def was_stopped(self) -> bool:
        """Whether the run was ended before its time."""
        return self._end.get("status") == "canceled"

    @property
    def why(self) -> str:
        """Why nothing ran: Ansible's first error line that belongs to no target; else what else is known of its end."""
        if self._error:
            return self._error
        how = self._how_it_ended()
        if self.ended and self._end.get("rc") is not None:
            how = self._last_line or f"{how} and said nothing"
        return f"Ansible did not start: {how}"

    def died(self, how: str) -> None:
        """The child ended without recording the end of the run: keep how."""
        self._died = how

    @property
    def place(self) -> str:
        """`file:line:column` of the first error, where Ansible names one."""
        return self._place

    @property
    def nothing_ran(self) -> bool:
        """Whether Ansible ended before the first task and without a summary: it could not read the playbook."""
        return self._stats is None and not any(host.seen for host in self._hosts.values())

    def feed(self, row: JsonObject) -> Iterator[Event]:
        """Take a row in, and say what is worth telling of it."""
        self._time = _time(row, self._time)
        name = row.get("event")
        if name == rows.END:
            self._end = row
        elif name == rows.STATS:
            self._stats = {key: _object(value) for key, value in _object(row.get("stats")).items()}
        elif "host" in row:
            yield from self._of_task(row)
        else:
            yield from self._of_text(str(row.get("text", "")))

    def _of_task(self, row: JsonObject) -> Iterator[Event]:
        name, kind, task = str(row["host"]), str(row["event"]), str(row.get("task", ""))
        host = self._hosts.get(name)
        if host is not None:
            self._note(host, kind, row)
        if kind == rows.START and host is not None:
            yield Event(0, self._time, "start", task, target=name)
        elif word := _word(kind, row):
            error = _error_of(_object(row.get("res"))) if word in {"failed", "unreachable", "ignored"} else ""
            data: dict[str, JsonValue] = {"outcome": word, "task": task, "seconds": row.get("seconds", 0.0)}
            result = _object(row.get("res"))
            data |= {key: result[key] for key in _DATA_KEYS if key in result}
            text = f"{task}: {word}" + (f": {error}" if error else "")
            yield Event(0, self._time, "task", text, target=name, data=data)

    def _note(self, host: _Host, kind: str, row: JsonObject) -> None:
        host.result = replace(host.result, started=host.result.started or self._time, ended=self._time)
        host.last = kind
        result = _object(row.get("res"))
        if kind in rows.FAILED and not row.get("ignored"):
            host.failures.append((str(row.get("task", "")), _error_of(result)))
        elif kind == rows.UNREACHABLE:
            host.unreachable = _error_of(result) or "unreachable"
        host.result = replace(
            host.result,
            version_before=_told(result, "version_before", host.result.version_before),
            version_after=_told(result, "version_after", host.result.version_after),
            running=_told(result, "running", host.result.running),
        )
        if diff := diff_text(result.get("diff")):
            host.diffs.append(diff)

    def _of_text(self, text: str) -> Iterator[Event]:
        for line in (line.strip() for line in text.splitlines() if line.strip()):
            is_next, self._last_line = self._last_line == self._error_line != "", line[:_LONGEST_LINE]
            if line.startswith(_ERROR):
                if not self._error:
                    self._error, self._error_line = _without_mark(line)[:_LONGEST_LINE], self._last_line
                yield Event(0, self._time, "message", line[:_LONGEST_LINE])
            elif line.startswith(_PLACE) and self._error:
                self._place = self._place or line.removeprefix(_PLACE)
            elif line.startswith("[WARNING]: "):
                yield Event(0, self._time, "message", line[:_LONGEST_LINE])
            elif is_next and line.rstrip(".") not in self._error and not line.startswith(_NO_DETAIL):
                # The file is often named in the second line only.
                self._error = f"{self._error} {line}"[:_LONGEST_LINE]

    def results(self, *, stopped: bool = False) -> tuple[TargetResult, ...]:
        """One result for each target, in the order of the batch.

        Args:
            stopped: whether the run was asked to end at once, however the child ended.
        """
        return tuple(self._result(name, host, stopped or self.was_stopped) for name, host in self._hosts.items())

    def _result(self, name: str, host: _Host, stopped: bool) -> TargetResult:  # noqa: FBT001  private
        result = replace(host.result, diff="\n".join(host.diffs))
        if self._stats is None:
            return self._without_stats(host, result, stopped)
        count = {key: _count(values.get(name)) for key, values in self._stats.items()}
        if count.get("failures"):
            task, error = _decisive(host.failures, count.get("rescued", 0))
            return replace(result, outcome=Outcome.FAILED, task=task, error=error)
        if count.get("dark"):
            return replace(result, outcome=Outcome.UNREACHABLE, error=host.unreachable)
        if not count.get("processed") and not host.seen:
            return replace(result, error=self._why_not_started(stopped))
        if self.was_stopped:
            return replace(result, outcome=Outcome.INTERRUPTED, error="stopped")
        return replace(result, outcome=_good(count))

    def _without_stats(self, host: _Host, result: TargetResult, stopped: bool) -> TargetResult:  # noqa: FBT001  private
        if not host.seen:
            return replace(result, error=self._why_not_started(stopped))
        if host.unreachable:
            return replace(result, outcome=Outcome.UNREACHABLE, error=host.unreachable)
        if host.failures and host.last in rows.FAILED:
            task, error = host.failures[-1]
            return replace(result, outcome=Outcome.FAILED, task=task, error=error)
        if stopped:
            return replace(result, outcome=Outcome.INTERRUPTED, error="stopped")
        return replace(result, outcome=Outcome.FAILED, error=f"Ansible ended without a summary: {self._how_it_ended()}")

    def _why_not_started(self, stopped: bool) -> str:  # noqa: FBT001  private
        if stopped:
            return "stopped before it"
        if self._stats is not None:
            return "the playbook ended before it, or has no play for it"
        return self.why

    def _how_it_ended(self) -> str:
        if self._error:
            return self._error
        if not self.ended:
            return self._died or "the process that runs Ansible died"
        code = self._end.get("rc")
        return BY_SIGNAL if code is None else f"ansible-playbook ended with exit code {code}"


def _told(result: JsonObject, key: str, known: str) -> str:
    """What a result says under a key, else what is known: another task's `running` is a flag or a list."""
    value = result.get(key)
    return value if isinstance(value, str) and value else known


def _good(count: Mapping[str, int]) -> Outcome:
    if count.get("changed"):
        return Outcome.CHANGED
    return Outcome.SKIPPED if count.get("skipped") and not count.get("ok") else Outcome.OK


def _word(kind: str, row: JsonObject) -> str:
    """What to call the row's end of a task; empty for what is not worth telling."""
    if kind in rows.OK:
        return "changed" if row.get("changed") else "ok"
    if kind in rows.FAILED:
        return "ignored" if row.get("ignored") else "failed"
    return {rows.UNREACHABLE: "unreachable", rows.SKIPPED: "skipped"}.get(kind, "")


def _decisive(failures: Sequence[tuple[str, str]], rescued: int) -> tuple[str, str]:
    """The first failure that was not rescued: a rescue takes the earliest ones, or the run would have ended there."""
    if not failures:
        return "", "failed"
    return failures[min(rescued, len(failures) - 1)]


def _error_of(result: JsonObject) -> str:
    """The first line of what a module said of its failure; of a loop, what its first failed item said."""
    items = result.get("results")
    if isinstance(items, list):
        for item in items:
            if isinstance(item, Mapping) and (item.get("failed") or item.get("unreachable")):
                return _error_of(item)
    for key in ("msg", "stderr", "module_stderr", "stdout", "module_stdout", "exception", "censored"):
        lines = [line.strip() for line in str(result.get(key) or "").splitlines() if line.strip()]
        if lines and lines[0] not in _NO_ERROR:
            return lines[0][:_LONGEST_LINE]
    return "failed without a message" if result else ""


def diff_text(diff: JsonValue) -> str:
    """A module's `diff` as people read it: a unified diff, or what the module prepared."""
    if isinstance(diff, str):
        return diff.strip("\n")
    if isinstance(diff, list | tuple):
        return "\n".join(text for text in map(diff_text, diff) if text)
    if not isinstance(diff, Mapping):
        return ""
    if isinstance(diff.get("prepared"), str):
        return str(diff["prepared"]).strip("\n")
    before, after = (_diff_side(diff.get(side)) for side in ("before", "after"))
    old, new = (str(diff.get(f"{side}_header") or side) for side in ("before", "after"))
    return "\n".join(difflib.unified_diff(before, after, old, new, lineterm=""))


def _diff_side(value: JsonValue) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {inner}" for key, inner in value.items()]
    return str(value or "").splitlines()


def _without_mark(line: str) -> str:
    return next((line.removeprefix(mark) for mark in _ERROR if line.startswith(mark)), line)


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _count(value: JsonValue) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _time(row: JsonObject, known: datetime) -> datetime:
    try:
        return datetime.fromisoformat(str(row.get("time")))
    except ValueError:
        return known
