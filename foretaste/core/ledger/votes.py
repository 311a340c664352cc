"""Votes: people's opinions on cases, and the decisions that they make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from foretaste.core.ledger import audit
from foretaste.core.ledger.ballots import (
    STANDING,
    Ballot,
    Vote,
    barred_by_lease,
    hindrances,
    opinions,
)
from foretaste.core.ledger.cases import one_case, unknown
from foretaste.core.ledger.casting import Voted, cast, settle, undo_one
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.decisions import withdraw
from foretaste.core.ledger.records import WAITING, CaseState, Judgement, Role
from foretaste.core.ledger.tables import case_rows, cases, decisions, gold, votes


@dataclass(frozen=True, slots=True)
class Preview:
    """What the same opinion on many cases would do.

    Parameters
    ----------
    cases, rows, weight, contributors
        How many it would touch, and their share of their nights' weight.
    needs_second
        How many of the cases would still wait for another person.
    closed, own
        Cases that take no opinion, and those with contributions of the asker's own.
    barred
        Every case that would be left out, and why, in words that go on from "case X".
    """

    cases: int
    rows: int
    weight: float
    contributors: int
    needs_second: int
    closed: tuple[str, ...]
    own: tuple[str, ...]
    barred: Mapping[str, str]


class Votes:
    """The part of the ledger that hears people."""

    _engine: sa.Engine

    def vote(
        self,
        case_id: str,
        judgement: Judgement,
        *,
        by: str,
        role: Role,
        at: datetime,
        reason_code: str,
        note: str = "",
        label: str | None = None,
        row_id: str | None = None,
        contributor_id: str | None = None,
        version: int | None = None,
    ) -> Voted:
        """Give an opinion on a case, one of its rows, or one contributor's rows in it.

        Where one person is enough it decides. Where two are needed the first waits for
        somebody else's, who does not see it; if both agree they decide, if not a lead does
        who was neither. A row counts before its contributor, that before the case.

        Parameters
        ----------
        version
            Of the case as its author saw it; None: whatever it is.

        Raises
        ------
        Changed
            If somebody changed the case since that version.
        WorkspaceError
            If the case is closed, leased to another, or not theirs to judge.
        """
        ballot = Ballot(
            Judgement(judgement), by, Role(role), at, reason_code, note, label, row_id,
            contributor_id,
        ).checked()  # fmt: skip
        with transaction(self._engine, write=True) as connection:
            return cast(connection, case_id, ballot, version)

    def vote_all(
        self,
        case_ids: Sequence[str],
        judgement: Judgement,
        *,
        by: str,
        role: Role,
        at: datetime,
        reason_code: str,
        note: str = "",
        label: str | None = None,
        versions: Mapping[str, int] | None = None,
    ) -> list[Voted]:
        """Give the same opinion on many cases: on all of them, or, where one refuses, on none."""
        ballot = Ballot(Judgement(judgement), by, Role(role), at, reason_code, note, label)
        ballot.checked()
        seen = versions or {}
        with transaction(self._engine, write=True) as connection:
            return [
                cast(connection, case_id, ballot, seen.get(case_id))
                for case_id in dict.fromkeys(case_ids)
            ]

    def preview(
        self, case_ids: Sequence[str], *, by: str, role: Role, at: datetime | None = None
    ) -> Preview:
        """Tell what ``vote_all`` would do, without doing it.

        Parameters
        ----------
        at
            When; None: no lease is looked at.
        """
        ids = list(dict.fromkeys(case_ids))
        with transaction(self._engine, write=False) as connection:
            wanted = sa.select(cases).where(cases.c.id.in_(ids)).order_by(cases.c.id)
            rows = connection.execute(wanted).mappings().all()
            if missing := set(ids) - {row["id"] for row in rows}:
                raise unknown(min(missing))
            why = hindrances(connection, rows, by, Role(role))
            for row in rows:
                if at is not None and not why[row["id"]][0] and barred_by_lease(row, by, at):
                    why[row["id"]] = ("leased", f"is leased by {row['assignee']}")
            touched = [row for row in rows if not why[row["id"]][0]]
            mine = case_rows.c.case_id.in_([row["id"] for row in touched])
            who = sa.select(sa.func.count(case_rows.c.contributor_id.distinct())).where(mine)
            return Preview(
                cases=len(touched),
                rows=sum(row["size"] for row in touched),
                weight=sum(row["weight"] for row in touched),
                contributors=connection.execute(who).scalar_one(),
                needs_second=sum(_first_of_two(row) for row in touched),
                closed=tuple(one for one in why if why[one][0] == "closed"),
                own=tuple(one for one in why if why[one][0] == "own"),
                barred={one: words for one, (kind, words) in why.items() if kind},
            )

    def undo_vote(self, vote_id: int, *, by: str, role: Role, at: datetime) -> None:
        """Take an opinion back while no run has acted on it: the case is what it was before.

        Everybody takes back their own; leads take back anybody's.

        Raises
        ------
        WorkspaceError
            If it is not theirs, no longer waits, or a later one builds on it.
        """
        with transaction(self._engine, write=True) as connection:
            undo_one(connection, vote_id, by, Role(role), at)

    def undo(self, number: int, *, by: str, at: datetime, role: Role = Role.REVIEWER) -> None:
        """Take a decision back while it waits; its case opens again.

        Raises
        ------
        WorkspaceError
            If it was applied, was taken back before, never made, or is another's.
        """
        mine = sa.select(sa.func.max(votes.c.id)).where(STANDING & (votes.c.decision_id == number))
        with transaction(self._engine, write=True) as connection:
            vote_id = connection.execute(mine).scalar()
            if vote_id is not None:
                undo_one(connection, vote_id, by, role, at)
                return
            withdraw(connection, number, at)
            # Decisions from before there were votes closed their cases, too.
            about = sa.select(cases).join(decisions).where(decisions.c.id == number)
            if (row := connection.execute(about).mappings().first()) is not None:
                settle(connection, row, f"{by} took the decision back", at)
            payload = {"id": number}
            audit.append(connection, at=at, actor=by, action="undone", payload=payload)

    def votes(
        self, case_id: str, *, seen_by: str | None = None, role: Role | None = None
    ) -> list[Vote]:
        """List the opinions on a case that stand, oldest first.

        Parameters
        ----------
        seen_by, role
            Who asks: while a second opinion is due they see their own and those of earlier
            rounds; while it is disputed leads see all. None: all of them.
        """
        with transaction(self._engine, write=False) as connection:
            row = one_case(connection, case_id)
            known = sa.select(gold.c.truth).where(gold.c.case_id == case_id)
            is_gold = connection.execute(known).first() is not None
            said = opinions(connection, votes.c.case_id == case_id)
        if seen_by is None or not (is_gold or _blind(row, role)):
            return said
        earlier = 0 if is_gold else row["round"]
        return [one for one in said if one.by == seen_by or one.round < earlier]

    def votes_by(self, user: str, limit: int = 50) -> list[Vote]:
        """List somebody's opinions that stand, newest first."""
        with transaction(self._engine, write=False) as connection:
            return opinions(connection, votes.c.by == user, limit)


def _blind(row: Mapping[Any, Any], role: Role | None) -> bool:
    state = CaseState(row["state"])
    if state is CaseState.DISPUTED:
        return role is None or not role.allows(Role.LEAD)
    return row["needs"] > 1 and state in WAITING


def _first_of_two(row: Mapping[Any, Any]) -> bool:
    return row["needs"] > 1 and row["state"] in (CaseState.OPEN, CaseState.ASSIGNED)
