"""What the record of a run may keep: its secrets are taken out, and what is not there is never run with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from deployer.errors import UsageError
from deployer.model.json import JsonObject
from deployer.model.run import Run
from deployer.model.secret import REDACTED
from deployer.playbook.command_line import hidden_set, recorded
from deployer.playbook.differences import hidden_params


def without_secrets(run: Run) -> Run:
    """The run as it may be written down and shown."""
    asked = run.asked
    if asked is not None:
        options = replace(asked.options, raw=recorded(asked.options.raw))
        asked = replace(asked, sets=tuple(hidden_set(*pair) for pair in asked.sets), options=options)
    return replace(run, arguments=recorded(run.arguments), params=hidden_params(run.params), asked=asked)


def refuse_hidden(params: JsonObject, sets: Sequence[tuple[str, str]], raw: Sequence[str]) -> None:
    """Refuse values that come from the record of a run, where secrets are not kept.

    Args:
        params: parameters of an operation.
        sets: (path, value) to set in manifests.
        raw: arguments for Ansible.

    Raises:
        UsageError: one is `[redacted]`.
    """
    named = [*((name, json.dumps(value)) for name, value in params.items()), *sets, *(("-e", text) for text in raw)]
    if hidden := list(dict.fromkeys(name for name, text in named if REDACTED in text)):
        raise UsageError(
            f"the record of the run does not hold secrets: {', '.join(hidden)}",
            hint="give the whole command again, with the values that are secret",
        )
