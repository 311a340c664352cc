"""What people taught the pipeline: rules, blocked and trusted contributors; what was told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from foretaste.core.errors import Changed, WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.tables import listed, notices, rules

RuleState = Literal["draft", "on", "off"]
ListKind = Literal["block", "allow"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that a person wrote.

    Parameters
    ----------
    where
        SQL predicate over the contract's columns.
    action
        ``hold`` keeps what it hits for a person; ``evidence`` adds ``llr``.
    llr
        Nats, positive towards poison.
    version
        Counts its changes; 0 for one that was never saved.
    tested
        What the back-test of this version found; empty: not tested.
    """

    name: str
    where: str
    action: str
    llr: float
    owner: str
    note: str
    expires: datetime
    state: RuleState = "draft"
    version: int = 0
    created: datetime | None = None
    tested: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """A contributor whom people block or trust until ``expires``."""

    contributor_id: str
    kind: ListKind
    reason: str
    by: str
    at: datetime
    expires: datetime


class Knowledge:
    """The part of the ledger that remembers what people know."""

    _engine: sa.Engine

    def save_rule(self, rule: Rule, *, by: str, at: datetime) -> Rule:
        """Save a new rule or a change of one; it is a draft again, and untested.

        Raises
        ------
        Changed
            If somebody else changed it since the version that this one comes from.
        """
        with transaction(self._engine, write=True) as connection:
            before = _rule(connection, rule.name)
            _require_version(before, rule)
            made = rule.created if before is None else before.created
            saved = replace(
                rule, version=rule.version + 1, state="draft", tested={}, created=made or at
            )
            connection.execute(rules.delete().where(rules.c.name == rule.name))
            connection.execute(rules.insert().values(**asdict(saved)))
            payload = {"rule": saved.name, "version": saved.version, "action": saved.action}
            audit.append(connection, at=at, actor=by, action="rule saved", payload=payload)
        return saved

    def record_test(self, rule: Rule, tested: Mapping[str, Any], *, by: str, at: datetime) -> Rule:
        """Keep what a back-test of a rule found.

        Raises
        ------
        Changed
            If the rule is another one by now.
        """
        with transaction(self._engine, write=True) as connection:
            _require_version(_rule(connection, rule.name), rule)
            same = rules.update().where(rules.c.name == rule.name)
            connection.execute(same.values(tested=dict(tested)))
            payload = {"rule": rule.name, "version": rule.version}
            audit.append(connection, at=at, actor=by, action="rule tested", payload=payload)
        return replace(rule, tested=dict(tested))

    def set_rule_state(self, rule: Rule, state: RuleState, *, by: str, at: datetime) -> Rule:
        """Switch a rule on or off.

        Raises
        ------
        Changed
            If the rule is another one by now.
        WorkspaceError
            If it is to be on and was not tested, or is over.
        """
        with transaction(self._engine, write=True) as connection:
            before = _rule(connection, rule.name)
            _require_version(before, rule)
            if state == "on" and not (before and before.tested):
                raise WorkspaceError(f"rule {rule.name} was never tested", hint="test it first")
            if state == "on" and rule.expires <= at:
                raise WorkspaceError(f"rule {rule.name} is over", hint="give it a later expiry")
            same = rules.update().where(rules.c.name == rule.name)
            connection.execute(same.values(state=state))
            payload = {"rule": rule.name, "version": rule.version, "state": state}
            audit.append(connection, at=at, actor=by, action="rule switched", payload=payload)
        return replace(rule, state=state)

    def rule(self, name: str) -> Rule | None:
        """Give a rule by name; None when there is none."""
        with transaction(self._engine, write=False) as connection:
            return _rule(connection, name)

    def rules(self, state: RuleState | None = None) -> list[Rule]:
        """List rules by name."""
        which = sa.true() if state is None else rules.c.state == state
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(sa.select(rules).where(which).order_by(rules.c.name))
            return [Rule(**row) for row in found.mappings()]

    def list_contributor(
        self,
        contributor_id: str,
        kind: ListKind,
        *,
        reason: str,
        by: str,
        at: datetime,
        expires: datetime,
    ) -> None:
        """Block or trust a contributor until a moment; the last word counts."""
        row = Listing(contributor_id, kind, reason, by, at, expires)
        with transaction(self._engine, write=True) as connection:
            same = listed.c.contributor_id == contributor_id
            connection.execute(listed.delete().where(same))
            connection.execute(listed.insert().values(**asdict(row)))
            payload = {"contributor": contributor_id, "kind": kind, "expires": expires.isoformat()}
            audit.append(connection, at=at, actor=by, action="listed", payload=payload)

    def unlist(self, contributor_id: str, *, by: str, at: datetime) -> None:
        """Neither block nor trust a contributor any more.

        Raises
        ------
        WorkspaceError
            If they are on no list.
        """
        with transaction(self._engine, write=True) as connection:
            same = listed.c.contributor_id == contributor_id
            if connection.execute(listed.delete().where(same)).rowcount == 0:
                raise WorkspaceError(f"contributor {contributor_id} is on no list")
            payload = {"contributor": contributor_id}
            audit.append(connection, at=at, actor=by, action="unlisted", payload=payload)

    def listed(self, at: datetime) -> list[Listing]:
        """List whom people block or trust at a moment."""
        holds = sa.select(listed).where((listed.c.at <= at) & (listed.c.expires > at))
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(holds.order_by(listed.c.contributor_id))
            return [Listing(**row) for row in found.mappings()]

    def note_once(self, key: str, at: datetime) -> bool:
        """Remember that something was told; say whether it is the first time."""
        short = key if len(key) <= 255 else hashlib.sha256(key.encode()).hexdigest()
        with transaction(self._engine, write=True) as connection:
            same = sa.select(notices.c.key).where(notices.c.key == short)
            if connection.execute(same).first() is not None:
                return False
            connection.execute(notices.insert().values(key=short, at=at))
            return True

    def forget_note(self, key: str) -> None:
        """Forget that something was told: it did not arrive, and is to be told again."""
        short = key if len(key) <= 255 else hashlib.sha256(key.encode()).hexdigest()
        with transaction(self._engine, write=True) as connection:
            connection.execute(notices.delete().where(notices.c.key == short))


def _rule(connection: sa.Connection, name: str) -> Rule | None:
    row = connection.execute(sa.select(rules).where(rules.c.name == name)).mappings().first()
    return None if row is None else Rule(**row)


def _require_version(before: Rule | None, seen: Rule) -> None:
    now = 0 if before is None else before.version
    if now != seen.version:
        raise Changed(f"rule {seen.name} has changed since you saw it", hint="look at it again")
