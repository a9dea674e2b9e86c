"""Differences and conflicts of manifests, and plans, as they may be shown: their secrets are taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from deployer.model.json import JsonObject, JsonValue
from deployer.model.merge import Conflict, Difference, MergeResult
from deployer.model.plan import Batch, Bucket, Plan, Target
from deployer.model.secret import REDACTED
from deployer.secrets.names import is_placeholder, is_secret_name, is_secret_path, looks_secret, names_secret
from deployer.secrets.redactor import Redactor
from deployer.secrets.values import likely_secrets_in, secrets_in

_NAMES = (
    re.compile(r"""(?:^|[\s<{,"';])([@\w.:-]*[\w-])["']?\s*[:=]"""),
    re.compile(r"<([\w.:-]+)"),
    re.compile(r"""\bname["']?\s*[:=]\s*["']?([\w.-]+)"""),
)
"""Names in the text of a part of a document: keys and attributes, elements, and what calls itself by a name."""
_KEY = re.compile(r"""\bkeys?["']?\s*[:=>]\s*["']?([^\s"'<,}]+)""", re.IGNORECASE)
"""The value of what is called only `key`: one that looks like a secret is one."""


def hidden_differences(found: Iterable[Difference], versions: Sequence[object]) -> tuple[Difference, ...]:
    """The differences with `[redacted]` in place of secrets, so that one sees that a password changed, and not to what.

    Args:
        found: the differences.
        versions: both versions of the manifest as plain data: what they say of secrets is not shown elsewhere either.
    """
    redactor = Redactor(likely_secrets_in(versions, ()))
    return tuple(
        replace(one, before=_shown(one.path, one.before, redactor), after=_shown(one.path, one.after, redactor))
        for one in found
    )


def hidden_merge(merge: Callable[..., MergeResult]) -> Callable[..., MergeResult]:
    """The merge, with `[redacted]` in place of secrets in what it says of conflicts: that is stored and told to others.

    The merged file itself is as it was.
    """

    def hiding(path: str, base: bytes, ours: bytes, theirs: bytes, *, rules: bytes) -> MergeResult:
        result = merge(path, base, ours, theirs, rules=rules)
        return replace(result, conflicts=tuple(_hidden(conflict) for conflict in result.conflicts))

    return hiding


def _hidden(conflict: Conflict) -> Conflict:
    redactor = Redactor(())
    values = (conflict.base, conflict.ours, conflict.theirs)
    base, ours, theirs = (_shown(conflict.path, value, redactor) for value in values)
    return replace(conflict, base=base, ours=ours, theirs=theirs)


def _shown(path: str, value: str | None, redactor: Redactor) -> str | None:
    if value is None:
        return None
    return REDACTED if is_secret_path(path, value) or _names_secret(value) else redactor.text(value)


def _names_secret(text: str) -> bool:
    """Whether a part of a document as it is written names a secret: then all of it is hidden, however it is spelled."""
    named = any(is_secret_name(name) for names in _NAMES for name in names.findall(text))
    return named or any(looks_secret(value) for value in _KEY.findall(text))


def hidden_plan(plan: Plan) -> Plan:
    """The plan without the secrets of its manifests and parameters; its differences have none already."""
    return replace(
        plan,
        buckets=tuple(Bucket(bucket.name, tuple(_batch(batch) for batch in bucket.batches)) for bucket in plan.buckets),
        held=tuple(_target(target) for target in plan.held),
        params=hidden_params(plan.params),
    )


def hidden_params(params: JsonObject) -> JsonObject:
    """An operation's parameters, with `[redacted]` in place of those whose name says secret."""
    redactor = Redactor(secrets_in(params))
    return {name: _of(name, value, redactor) for name, value in params.items()}


def _of(name: str, value: JsonValue, redactor: Redactor) -> JsonValue:
    if is_secret_name(name) and value not in ("", None) and not is_placeholder(str(value)):
        return REDACTED
    return REDACTED if names_secret(name, value) else redactor.value(value)


def _batch(batch: Batch) -> Batch:
    return Batch(batch.site, tuple(_target(target) for target in batch.targets))


def _target(target: Target) -> Target:
    redactor = Redactor(likely_secrets_in([target.value, target.fields], (target.name, target.site, target.host)))
    value = {name: _of(name, inner, redactor) for name, inner in target.value.items()}
    fields = {name: str(_of(name, inner, redactor)) for name, inner in target.fields.items()}
    return replace(target, value=value, fields=fields)
