"""Which instances are meant: by name, and by an Ansible host pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from deployer.errors import UsageError
from deployer.model.plan import Target

_SEPARATORS = re.compile(r"[,:]")


def pick(targets: Sequence[Target], *, instances: Sequence[str] = (), limit: str = "") -> tuple[Target, ...]:
    """The targets that are meant, in their order.

    Args:
        targets: every instance of the sites.
        instances: names (`viatris` or `viatris.fra1`); empty for all. What is the whole name of a target means no
            other one.
        limit: an Ansible host pattern: `a,b`, `a:!b`, `a:&c`, `viatris*`, `~regex`, over instance, cluster, node and
            site names; empty for no limit.

    Raises:
        UsageError: a name or a term of the pattern matches nothing. A limit never widens: in Ansible a term that
            matches nothing is only a warning, and users of other front ends got all hosts instead of none.
    """
    named = _named(targets, instances) if instances else tuple(targets)
    return _limited(named, limit) if limit else named


def names_of(target: Target) -> frozenset[str]:
    """Every name by which a pattern can mean this target."""
    cluster = {target.cluster, f"{target.site}_{target.cluster}"} if target.cluster else set()
    return frozenset({target.instance, target.name, target.site, target.host, "all", "instances", *cluster})


def _named(targets: Sequence[Target], instances: Sequence[str]) -> tuple[Target, ...]:
    known = {name for target in targets for name in (target.instance, target.name)}
    if unknown := [name for name in instances if name not in known]:
        raise UsageError(f"no such instance: {', '.join(unknown)}", hint=_near(unknown[0], known))
    # A whole name means that target alone: a manifest elsewhere can name its instance `viatris.fra1`.
    short = set(instances) - {target.name for target in targets}
    return tuple(target for target in targets if target.name in instances or target.instance in short)


def _near(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=3)
    return f"did you mean {' or '.join(close)}?" if close else "deployer plan OPERATION SITE lists the instances"


def _limited(targets: Sequence[Target], limit: str) -> tuple[Target, ...]:
    terms = [term.strip() for term in _SEPARATORS.split(limit) if term.strip()]
    if not terms:
        raise UsageError(f"the limit {limit!r} names nothing")
    chosen = {target.name for target in targets} if _only_narrows(terms) else set[str]()
    # Ansible's order: first what is added, then what must also match, then what is taken out.
    for sign in ("", "&", "!"):
        for term in terms:
            if _sign(term) == sign:
                chosen = _apply(sign, chosen, _matching(targets, term))
    if not chosen:
        raise UsageError(f"the limit {limit!r} matches no instance")
    return tuple(target for target in targets if target.name in chosen)


def _sign(term: str) -> str:
    return term[0] if term[0] in "&!" else ""


def _only_narrows(terms: Sequence[str]) -> bool:
    return all(_sign(term) for term in terms)


def _apply(sign: str, chosen: set[str], matching: set[str]) -> set[str]:
    if sign == "&":
        return chosen & matching
    return chosen - matching if sign == "!" else chosen | matching


def _matching(targets: Sequence[Target], term: str) -> set[str]:
    pattern = term.removeprefix(_sign(term))
    if any(target.name == pattern for target in targets):
        return {pattern}
    found = {target.name for target in targets if any(_matches(name, pattern) for name in names_of(target))}
    if not found:
        known = {name for target in targets for name in names_of(target)}
        raise UsageError(f"the limit's {pattern!r} matches no instance", hint=_near(pattern, known))
    return found


def _matches(name: str, pattern: str) -> bool:
    if not pattern.startswith("~"):
        return fnmatchcase(name, pattern)
    try:
        return re.search(pattern[1:], name) is not None
    except re.error as error:
        raise UsageError(f"the limit's {pattern!r} is no regular expression: {error}") from error
