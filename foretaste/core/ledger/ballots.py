"""What an opinion is, who may give one, and what several of them make of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger.cases import CODE, holder
from foretaste.core.ledger.records import WAITING, CaseState, Judgement, Role
from foretaste.core.ledger.tables import case_rows, cases, decisions, users, votes

MAX_NOTE: Final = 4_000
STANDING: Final = votes.c.undone_at.is_(None)
_SHOWN: Final = [c for c in votes.c if c.name not in ("held", "undone_at")]


class VoteKind(StrEnum):
    """What an opinion is: a lead's on a dispute is an adjudication, on a known answer gold."""

    FIRST = "first"
    SECOND = "second"
    ADJUDICATION = "adjudication"
    GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's opinion on a case, one row of it, or one contributor's rows in it.

    Parameters
    ----------
    began
        When its author took the case up, None without a lease.
    round
        Which taking up of the case it belongs to, from 1.
    decision_id
        The decision that it made, alone or with another; None while there is none.
    applied_in
        The run that acted on that decision.
    """

    id: int
    case_id: str
    row_id: str | None
    contributor_id: str | None
    by: str
    at: datetime
    began: datetime | None
    round: int
    judgement: Judgement
    reason_code: str
    note: str
    label: str | None
    kind: VoteKind
    decision_id: int | None
    applied_in: str | None = None

    @property
    def target(self) -> tuple[str | None, str | None]:
        """What of the case it is about; all of it: ``(None, None)``."""
        return self.row_id, self.contributor_id

    @property
    def disputed(self) -> bool:
        """Whether a lead has to settle it."""
        open_end = self.kind is VoteKind.SECOND or self.judgement is Judgement.ESCALATE
        return self.decision_id is None and open_end


@dataclass(frozen=True, slots=True)
class Ballot:
    """An opinion before it is given."""

    judgement: Judgement
    by: str
    role: Role
    at: datetime
    reason_code: str
    note: str = ""
    label: str | None = None
    row_id: str | None = None
    contributor_id: str | None = None

    @property
    def target(self) -> tuple[str | None, str | None]:
        """What of the case it is about; all of it: ``(None, None)``."""
        return self.row_id, self.contributor_id

    @property
    def whole(self) -> bool:
        """Whether it is about the whole case."""
        return self.target == (None, None)

    def agrees(self, other: Vote) -> bool:
        """Say whether another opinion says the same."""
        return (self.judgement, self.label) == (other.judgement, other.label)

    def checked(self) -> Ballot:
        """Give it back, if it is fit to be given at all.

        Raises
        ------
        WorkspaceError
            If it is not; the sentence says why.
        """
        if why := next((why for wrong, why in self._faults() if wrong), None):
            raise WorkspaceError(why)
        return self

    def _faults(self) -> Iterable[tuple[bool, str]]:
        # A "+" joins the names of two people who agreed: nobody is called that.
        named = 0 < len(self.by) <= 128 and self.by.isprintable() and "+" not in self.by
        coded = self.judgement is Judgement.SKIP or CODE.fullmatch(self.reason_code) is not None
        relabels = self.judgement is Judgement.RELABEL
        yield not self.role.allows(Role.REVIEWER), "viewers look; they judge nothing"
        yield not named, "the name of who decides has up to 128 visible characters and no +"
        yield not coded, "a reason code is lower-case letters, digits, _ and -"
        yield relabels != bool(self.label), "a label belongs to a relabelling, and to nothing else"
        yield None not in self.target, "an opinion is about one row or one contributor, not both"
        yield len(self.note) > MAX_NOTE, f"a note has at most {MAX_NOTE} characters"


def state_of(opinions: Iterable[Vote], assignee: str | None) -> CaseState:
    """Say where a case stands, by the last opinion on each of its parts.

    Parameters
    ----------
    opinions
        Those of the present round that stand, oldest first.
    """
    last = {one.target: one for one in opinions}
    whole = last.get((None, None))
    if whole is not None and whole.decision_id is not None:
        return CaseState.DECIDED
    if any(one.disputed for one in last.values()):
        return CaseState.DISPUTED
    if whole is not None:
        return CaseState.SECOND
    return CaseState.ASSIGNED if assignee else CaseState.OPEN


def opinions(
    connection: sa.Connection, which: sa.ColumnElement[bool], limit: int | None = None
) -> list[Vote]:
    """Read opinions that stand; oldest first, or with a limit newest first."""
    told = sa.select(*_SHOWN, decisions.c.applied_in).outerjoin(
        decisions, decisions.c.id == votes.c.decision_id
    )
    order = votes.c.id if limit is None else votes.c.id.desc()
    wanted = told.where(STANDING & which).order_by(order).limit(limit)
    return [_vote(row) for row in connection.execute(wanted).mappings()]


def round_of(row: Mapping[Any, Any]) -> sa.ColumnElement[bool]:
    """Choose the votes of a case's present round."""
    return sa.and_(votes.c.case_id == row["id"], votes.c.round == row["round"])


def hindrance(
    connection: sa.Connection, row: Mapping[Any, Any], by: str, role: Role | None = None
) -> str:
    """Say why somebody may not judge a case, "" if they may; leases are looked at elsewhere."""
    return hindrances(connection, [row], by, role)[row["id"]][1]


def hindrances(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]], by: str, role: Role | None
) -> dict[str, tuple[str, str]]:
    """Say of each case why somebody may not judge it.

    Parameters
    ----------
    role
        None: whoever they are.

    Returns
    -------
    dict
        Per case ``closed``, ``own``, ``judged``, ``lead`` or "" and a few words that go on
        from "case X".
    """
    ids = [row["id"] for row in rows]
    own = _own(connection, ids, by)
    mine: dict[str, list[Any]] = {}
    present = STANDING & votes.c.case_id.in_(ids) & (votes.c.by == by)
    same_round = (cases.c.id == votes.c.case_id) & (cases.c.round == votes.c.round)
    wanted = sa.select(votes).join(cases, same_round).where(present)
    for vote in connection.execute(wanted):
        mine.setdefault(vote.case_id, []).append(vote)
    return {row["id"]: _why(row, row["id"] in own, mine.get(row["id"], []), role) for row in rows}


def barred_by_lease(row: Mapping[Any, Any], by: str, at: datetime) -> bool:
    """Say whether somebody else's lease keeps a first opinion out."""
    alone = row["state"] in (CaseState.OPEN, CaseState.ASSIGNED)
    return alone and holder(row, at) not in (None, by)


def _why(
    row: Mapping[Any, Any], own: bool, mine: Sequence[Any], role: Role | None
) -> tuple[str, str]:
    state = CaseState(row["state"])
    whole = [one for one in mine if one.row_id is None and one.contributor_id is None]
    if state not in WAITING:
        return "closed", f"is {state}"
    if own:
        return "own", "concerns contributions of your own"
    if any(one.kind == VoteKind.GOLD for one in whole):
        return "judged", "is judged: you gave your opinion"
    if state is CaseState.SECOND and whole:
        return "judged", "waits for another person: the first opinion is yours"
    return _why_disputed(mine, role) if state is CaseState.DISPUTED else ("", "")


def _why_disputed(mine: Sequence[Any], role: Role | None) -> tuple[str, str]:
    if role is not None and not role.allows(Role.LEAD):
        return "lead", "is disputed: a lead decides it"
    if any(one.kind != VoteKind.ADJUDICATION for one in mine):
        return "judged", "is disputed, and one opinion is yours: another lead decides it"
    return "", ""


def _own(connection: sa.Connection, ids: Sequence[str], by: str) -> set[str]:
    accounts = connection.execute(sa.select(users.c.accounts).where(users.c.name == by)).scalar()
    if not accounts:
        return set()
    theirs = case_rows.c.contributor_id.in_(accounts) & case_rows.c.case_id.in_(ids)
    return set(connection.execute(sa.select(case_rows.c.case_id).where(theirs)).scalars())


def _vote(row: Mapping[Any, Any]) -> Vote:
    told = {"judgement": Judgement(row["judgement"]), "kind": VoteKind(row["kind"])}
    return Vote(**{**row, **told})
