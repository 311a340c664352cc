"""How good reviewers are: cases with a known answer, and what two said apart."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.ballots import STANDING, Vote, VoteKind, opinions
from foretaste.core.ledger.cases import FREE, one_case
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import CaseState, Judgement
from foretaste.core.ledger.tables import (
    case_details,
    case_rows,
    case_tags,
    case_words,
    cases,
    gold,
    users,
    votes,
)

_HONEST: Final = frozenset({Judgement.RELEASE, Judgement.APART})
_MADE: Final = (
    Judgement.POISON, Judgement.RELEASE, Judgement.APART, Judgement.DOWNWEIGHT, Judgement.RELABEL,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reliability:
    """How somebody judges.

    Parameters
    ----------
    votes
        Opinions that stand, on cases without a known answer.
    gold_right, gold_seen
        Cases with a known answer that they judged, and judged right.
    agreed, doubled
        Opinions that somebody else gave too, blind, and how many were the same.
    minutes
        Median between taking a case up and judging it; None where nothing was timed.
    """

    user: str
    votes: int
    gold_right: int
    gold_seen: int
    agreed: int
    doubled: int
    minutes: float | None


class Gold:
    """The part of the ledger that measures reviewers."""

    _engine: sa.Engine

    def make_gold(self, case_id: str, truth: Judgement, *, by: str, at: datetime) -> str:
        """Copy a decided case into one with a known answer; give its id.

        It looks like any other case, everybody judges it for themselves, and nothing
        comes of it.

        Raises
        ------
        WorkspaceError
            If the case is not decided, or a copy itself.
        """
        with transaction(self._engine, write=True) as connection:
            row = one_case(connection, case_id)
            if row["state"] != CaseState.DECIDED:
                raise WorkspaceError(f"case {case_id} is {row['state']}: its answer is not known")
            new = secrets.token_hex(6)
            fresh = FREE | {"id": new, "state": CaseState.OPEN, "opened": at, "version": 1}
            if row["deadline"] is not None:
                fresh |= {"deadline": at + (row["deadline"] - (row["opened"] or row["deadline"]))}
            connection.execute(cases.insert().values(**{**row, **fresh, "round": 1, "changed": ""}))
            for table in (case_details, case_words, case_tags, case_rows):
                _copy(connection, table, case_id, new)
            told = {"case_id": new, "source": case_id, "truth": Judgement(truth)}
            connection.execute(gold.insert().values(**told, by=by, at=at))
            audit.append(connection, at=at, actor=by, action="gold made", payload=told)
        return new

    def due_gold(self, user: str) -> str | None:
        """Give a case with a known answer that somebody has not judged; None when there is none.

        Which one depends on the name: two people do not meet them in one order.
        """
        judged = sa.select(votes.c.case_id).where(STANDING & (votes.c.by == user))
        accounts = sa.select(users.c.accounts).where(users.c.name == user)
        fresh = sa.select(gold.c.case_id).where(gold.c.case_id.not_in(judged))
        with transaction(self._engine, write=False) as connection:
            mine = connection.execute(accounts).scalar() or []
            own = sa.select(case_rows.c.case_id).where(case_rows.c.contributor_id.in_(mine))
            found = connection.execute(fresh.where(gold.c.case_id.not_in(own))).scalars().all()
        return min(found, key=lambda one: _place(user, one), default=None)

    def golds(self) -> dict[str, Judgement]:
        """Give the answers of the cases whose answer is known: nothing for reviewers' eyes."""
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(sa.select(gold.c.case_id, gold.c.truth)).all()
        return {str(case_id): Judgement(truth) for case_id, truth in found}

    def reliability(self) -> list[Reliability]:
        """Tell of everybody who ever judged how they did, by name."""
        truths = self.golds()
        with transaction(self._engine, write=False) as connection:
            said = opinions(connection, sa.true())
        doubled = list(_doubled(said))
        by: dict[str, list[Vote]] = {}
        for one in said:
            by.setdefault(one.by, []).append(one)
        return [_measured(name, by[name], truths, doubled) for name in sorted(by)]

    def agreement(self) -> list[tuple[str, str, str]]:
        """List what two people said apart: what it was about, who, and their judgement."""
        with transaction(self._engine, write=False) as connection:
            said = opinions(connection, sa.true())
        return [(_unit(one), one.by, str(one.judgement)) for pair in _doubled(said) for one in pair]


def right(judgement: Judgement, truth: Judgement) -> bool:
    """Say whether a judgement is the known answer; ``apart`` lets rows in as ``release`` does."""
    return judgement == truth or {judgement, truth} <= _HONEST


def _copy(connection: sa.Connection, table: sa.Table, old: str, new: str) -> None:
    rest = [column for column in table.c if column.name != "case_id"]
    source = sa.select(sa.literal(new), *rest).where(table.c.case_id == old)
    names = ["case_id", *(column.name for column in rest)]
    connection.execute(table.insert().from_select(names, source, include_defaults=False))


def _place(user: str, case_id: str) -> bytes:
    return hashlib.sha256(f"{user}/{case_id}".encode()).digest()


def _doubled(said: Iterable[Vote]) -> Iterator[tuple[Vote, Vote]]:
    """Pair each second opinion with the first on the same."""
    first: dict[tuple[str, int, tuple[str | None, str | None]], Vote] = {}
    for one in said:
        about = (one.case_id, one.round, one.target)
        if one.kind is VoteKind.FIRST:
            first[about] = one
        elif one.kind is VoteKind.SECOND and about in first:
            yield first[about], one


def _unit(vote: Vote) -> str:
    parts = (vote.case_id, str(vote.round), vote.row_id or "", vote.contributor_id or "")
    return "/".join(parts).rstrip("/")


def _measured(
    name: str,
    said: Sequence[Vote],
    truths: dict[str, Judgement],
    doubled: Sequence[tuple[Vote, Vote]],
) -> Reliability:
    known = [
        right(one.judgement, truths[one.case_id])
        for one in said
        if one.kind is VoteKind.GOLD and one.target == (None, None) and one.judgement in _MADE
    ]
    mine = [a.judgement == b.judgement for a, b in doubled if name in (a.by, b.by)]
    took = [(one.at - one.began).total_seconds() / 60 for one in said if one.began is not None]
    return Reliability(
        user=name,
        votes=sum(one.kind is not VoteKind.GOLD for one in said),
        gold_right=sum(known),
        gold_seen=len(known),
        agreed=sum(mine),
        doubled=len(mine),
        minutes=median(took) if took else None,
    )
