"""Hand-written rules of the desk: written, tried on past nights, switched on; for page and CLI."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.errors import Changed, ContractError, ForetasteError, WorkspaceError
from foretaste.core.layout import partition
from foretaste.core.ledger import Ledger, Rule
from foretaste.core.policy import Policy
from foretaste.core.workspace import Workspace
from foretaste.steps.back_test import back_test
from foretaste.steps.desk_rules import ACTIONS, HOLD, require_own_names, usable

COLUMNS: Final = (
    "name",
    "state",
    "action",
    "owner",
    "expires",
    "version",
    "hits",
    "rows",
    "honest",
    "poison",
)
OVER: Final = "over"
"""State of a rule that was on until its time was over."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NOTE: Final = 1_000
_MOST_NATS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as somebody typed it.

    Parameters
    ----------
    days
        How long it is to last from now.
    version
        The version that they started from; 0 for a new one.
    """

    name: str
    where: str
    action: str = HOLD
    llr: float = 0.0
    days: float = 30.0
    note: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that a rule hits, as it came in."""

    night: str
    row_id: str
    contributor_id: str
    label: str
    text: str | None


def state_of(rule: Rule, now: datetime) -> str:
    """Say whether a rule is a draft, on, off, or over by itself."""
    return OVER if rule.state == "on" and rule.expires <= now else rule.state


def described(rule: Rule, now: datetime) -> dict[str, Any]:
    """Describe a rule in a line, with what its trial counted; None where it was not tried."""
    total = rule.tested.get("total", {})
    line = {name: getattr(rule, name) for name in ("name", "action", "owner", "expires", "version")}
    counts = {name: total.get(name) for name in ("hits", "rows", "honest", "poison")}
    return {**line, "state": state_of(rule, now), **counts}


def listed(ledger: Ledger, now: datetime) -> list[dict[str, Any]]:
    """List every rule by name."""
    return [described(rule, now) for rule in ledger.rules()]


def find(ledger: Ledger, name: str) -> Rule:
    """Give a rule.

    Raises
    ------
    WorkspaceError
        If there is none of that name.
    """
    if (rule := ledger.rule(name)) is None:
        raise WorkspaceError(f"there is no rule {name[:64]!r}", hint="`foretaste rules list`")
    return rule


def save(ledger: Ledger, policy: Policy, draft: Draft, *, by: str, at: datetime) -> Rule:
    """Save a rule as an untried draft; its predicate is kept as it will run.

    Raises
    ------
    ContractError
        If a part of it is wrong; says which.
    Changed
        If somebody else changed it since ``draft.version``.
    """
    return ledger.save_rule(checked(ledger, policy, draft, by=by, at=at), by=by, at=at)


def checked(ledger: Ledger, policy: Policy, draft: Draft, *, by: str, at: datetime) -> Rule:
    """Build the rule that a draft asks for, without saving it.

    Raises
    ------
    ContractError
        If a part of it is wrong; says which.
    """
    _require_right(draft, policy)
    before = ledger.rule(draft.name)
    return Rule(
        name=draft.name,
        where=usable(draft.where, policy, rule=draft.name),
        action=draft.action,
        llr=_nats(draft),
        owner=by if before is None else before.owner,
        note=draft.note,
        expires=at + timedelta(days=draft.days),
        version=draft.version,
    )


def try_out(
    workspace: Workspace, ledger: Ledger, name: str, *, version: int, by: str, at: datetime
) -> Rule:
    """Try a rule on past nights, and keep what it found.

    Raises
    ------
    Changed
        If the rule is not at that version any more.
    """
    rule = at_version(ledger, name, version)
    found = back_test(workspace, rule.where, rule=rule.name)
    tested = {**found.to_json(), "at": at.isoformat(), "by": by}
    return ledger.record_test(rule, tested, by=by, at=at)


def switch(
    ledger: Ledger, policy: Policy, name: str, on: bool, *, version: int, by: str, at: datetime
) -> Rule:
    """Switch a rule on or off, from the next night.

    Raises
    ------
    ContractError
        If it is to be on and cannot be used, or would hold too much.
    WorkspaceError
        If it is to be on and was not tried in this version, or is over.
    Changed
        If the rule is not at that version any more.
    """
    rule = at_version(ledger, name, version)
    if on:
        _require_usable(rule, policy)
    return ledger.set_rule_state(rule, "on" if on else "off", by=by, at=at)


def at_version(ledger: Ledger, name: str, version: int) -> Rule:
    """Give a rule as somebody saw it.

    Raises
    ------
    Changed
        If it is another one by now.
    """
    rule = find(ledger, name)
    if rule.version != version:
        raise Changed(f"rule {name} has changed since you saw it", hint="look at it again")
    return rule


def too_much(rule: Rule, policy: Policy) -> str:
    """Say why a rule would hold too much of a night; nothing when it would not."""
    total = rule.tested.get("total", {})
    share = total.get("hits", 0) / max(total.get("rows", 0), 1)
    most = policy.decision.max_held_share
    if rule.action != HOLD or share <= most:
        return ""
    return f"it would hold {share:.0%} of what comes in; at most {most:.0%} may be held"


def samples(workspace: Workspace, rule: Rule) -> list[Sample]:
    """Read the rows that a trial kept as examples; those that were purged since are gone."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for night, row in rule.tested.get("samples", ()):
        wanted[str(night)].append(str(row))
    found = []
    names = ["row_id", "contributor_id", "label", "text"]
    for night, rows in sorted(wanted.items()):
        path = partition(workspace.layout.contributions, night) / "contributions.parquet"
        if not path.exists():
            continue
        these = pc.field("row_id").isin(rows)
        table = pq.read_table(path, columns=names, filters=these, partitioning=None)
        found += [Sample(night=night, **line) for line in table.to_pylist()]
    return found


def _require_usable(rule: Rule, policy: Policy) -> None:
    usable(rule.where, policy, rule=rule.name)
    require_own_names([rule.name], policy)
    if why := too_much(rule, policy):
        raise ContractError(
            why, location=rule.name, hint="make it narrower, or let it be evidence instead"
        )


def _require_right(draft: Draft, policy: Policy) -> None:
    if not _NAME.fullmatch(draft.name):
        raise _wrong(draft, "name", "a name is 1 to 64 of a-z, 0-9 and _, a letter first")
    if draft.action not in ACTIONS:
        raise _wrong(draft, "action", f"an action is one of {', '.join(ACTIONS)}")
    if len(draft.note) > _NOTE:
        raise _wrong(draft, "note", f"a note has at most {_NOTE:,} characters")
    if not 0 < draft.days <= policy.review.rule_days:
        raise _wrong(draft, "days", f"a rule lasts up to {policy.review.rule_days} days from now")
    require_own_names([draft.name], policy)


def _nats(draft: Draft) -> float:
    if draft.action == HOLD:
        return 0.0
    if not math.isfinite(draft.llr) or not 0 < abs(draft.llr) <= _MOST_NATS:
        raise _wrong(draft, "llr", f"evidence is worth up to {_MOST_NATS:g} nats, and not none")
    return float(draft.llr)


def _wrong(draft: Draft, part: str, why: str) -> ForetasteError:
    name = draft.name if _NAME.fullmatch(draft.name) else "?"
    return ContractError(why, location=f"rules.{name}.{part}")
