"""What becomes of a vote: it is let in, noted, counted with the others, or taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import Changed, WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.ballots import (
    STANDING,
    Ballot,
    Vote,
    VoteKind,
    barred_by_lease,
    hindrance,
    opinions,
    round_of,
    state_of,
)
from foretaste.core.ledger.cases import FREE, change, closed, leased, one_case
from foretaste.core.ledger.decisions import withdraw, write_decision
from foretaste.core.ledger.leases import end_lease
from foretaste.core.ledger.records import WAITING, CaseState, Judgement, Role
from foretaste.core.ledger.tables import case_rows, gold, votes

_LEASE: Final = tuple(FREE)


@dataclass(frozen=True, slots=True)
class Voted:
    """What an opinion made of its case.

    Parameters
    ----------
    vote_id
        None for a skip.
    state
        Where the case stands for the one who voted.
    decision_id
        The decision that it made; None where another person is still to be heard.
    version
        Of the case, from now on.
    """

    case_id: str
    vote_id: int | None
    state: CaseState
    decision_id: int | None
    version: int


def cast(connection: sa.Connection, case_id: str, ballot: Ballot, version: int | None) -> Voted:
    """Give an opinion on a case.

    Raises
    ------
    Changed
        If somebody changed the case since that version.
    WorkspaceError
        If the opinion is not let in.
    """
    row = one_case(connection, case_id)
    if version is not None and version != row["version"]:
        raise Changed(
            f"case {case_id} has changed since you saw it: {row['changed']}",
            hint="look at it again",
        )
    _admit(connection, row, ballot)
    if ballot.judgement is Judgement.SKIP:
        return _skip(connection, row, ballot)
    truth = connection.execute(sa.select(gold.c.truth).where(gold.c.case_id == case_id)).first()
    if truth is not None:
        return _on_gold(connection, row, ballot)
    said = opinions(connection, round_of(row))
    before = next((one for one in reversed(said) if one.target == ballot.target), None)
    kind = _kind(row, ballot, before)
    number = _decided(connection, row, ballot, kind, before, said)
    vote_id = _write(connection, row, ballot, kind, number)
    if number is not None and kind is VoteKind.SECOND and before is not None:
        both = votes.update().where(votes.c.id == before.id)
        connection.execute(both.values(decision_id=number))
    if number is None:
        _tell(connection, row["id"], ballot, vote_id)
    state = settle(connection, row, _news(ballot, number), ballot.at, frees=ballot.whole)
    return Voted(case_id, vote_id, state, number, row["version"] + 1)


def _admit(connection: sa.Connection, row: Mapping[Any, Any], ballot: Ballot) -> None:
    """Let an opinion in, or say why not."""
    if row["state"] not in WAITING:
        raise closed(row)
    if why := hindrance(connection, row, ballot.by, ballot.role):
        raise WorkspaceError(f"case {row['id']} {why}")
    if barred_by_lease(row, ballot.by, ballot.at):
        raise leased(row)
    if ballot.judgement is Judgement.APART and (row["kind"] != "campaign" or not ballot.whole):
        raise WorkspaceError(
            f"case {row['id']} is about no group of accounts", hint="`release` lets its rows in"
        )
    if row["state"] == CaseState.DISPUTED and ballot.judgement is Judgement.ESCALATE:
        raise WorkspaceError(f"case {row['id']} is with the leads already")
    if not ballot.whole and not _holds(connection, row["id"], ballot):
        raise WorkspaceError(f"case {row['id']} has no such row or contributor")


def _holds(connection: sa.Connection, case_id: str, ballot: Ballot) -> bool:
    same = case_rows.c.case_id == case_id
    if ballot.row_id is not None:
        same &= case_rows.c.row_id == ballot.row_id
    if ballot.contributor_id is not None:
        same &= case_rows.c.contributor_id == ballot.contributor_id
    return (
        connection.execute(sa.select(case_rows.c.row_id).where(same).limit(1)).first() is not None
    )


def _skip(connection: sa.Connection, row: Mapping[Any, Any], ballot: Ballot) -> Voted:
    end_lease(connection, row, ballot.by, ballot.at)
    payload = {"case": row["id"]}
    audit.append(connection, at=ballot.at, actor=ballot.by, action="skipped", payload=payload)
    state = CaseState(one_case(connection, row["id"])["state"])
    return Voted(row["id"], None, state, None, row["version"])


def _on_gold(connection: sa.Connection, row: Mapping[Any, Any], ballot: Ballot) -> Voted:
    """Note an opinion on a case with a known answer: nothing comes of it, and nothing shows."""
    vote_id = _write(connection, row, ballot, VoteKind.GOLD, None)
    if ballot.whole:
        end_lease(connection, row, ballot.by, ballot.at)
    _tell(connection, row["id"], ballot, vote_id)
    state = CaseState(row["state"])
    if ballot.judgement is Judgement.ESCALATE:
        state = CaseState.DISPUTED
    elif ballot.whole:
        state = CaseState.DECIDED if row["needs"] == 1 else CaseState.SECOND
    return Voted(row["id"], vote_id, state, None, row["version"])


def _kind(row: Mapping[Any, Any], ballot: Ballot, before: Vote | None) -> VoteKind:
    if row["state"] == CaseState.DISPUTED:
        return VoteKind.ADJUDICATION
    if row["needs"] == 1 or before is None or before.decision_id is not None:
        return VoteKind.FIRST
    return VoteKind.FIRST if before.by == ballot.by else VoteKind.SECOND


def _decided(
    connection: sa.Connection,
    row: Mapping[Any, Any],
    ballot: Ballot,
    kind: VoteKind,
    before: Vote | None,
    said: Sequence[Vote],
) -> int | None:
    """Make a decision of an opinion, if it is enough for one; give its number."""
    by = ballot.by
    if ballot.judgement is Judgement.ESCALATE or (kind is VoteKind.FIRST and row["needs"] > 1):
        return None
    if kind is VoteKind.SECOND and before is not None:
        if not ballot.agrees(before) or (ballot.whole and _contradicted(ballot, said)):
            return None
        by = f"{before.by}+{by}"
    names = ("row_id", "contributor_id", "reason_code", "note", "label", "at")
    values = {name: getattr(ballot, name) for name in names}
    told = values | {"case_id": row["id"], "decision": ballot.judgement, "by": by}
    return write_decision(connection, told)


def _contradicted(ballot: Ballot, said: Sequence[Vote]) -> bool:
    """Say whether one person's exception, which nobody seconded, differs from the whole."""
    last = {one.target: one for one in said}
    parts = (one for target, one in last.items() if target != (None, None))
    return any(one.decision_id is None and not ballot.agrees(one) for one in parts)


def _write(
    connection: sa.Connection,
    row: Mapping[Any, Any],
    ballot: Ballot,
    kind: VoteKind,
    number: int | None,
) -> int:
    mine = row["assignee"] == ballot.by and row["leased_at"] is not None
    held = {name: _plain(row[name]) for name in _LEASE} if ballot.whole else {}
    names = ("row_id", "contributor_id", "by", "at", "judgement", "reason_code", "note", "label")
    told = {name: getattr(ballot, name) for name in names}
    more = {"began": row["leased_at"] if mine else None, "round": row["round"], "kind": kind}
    insert = votes.insert().values(**told, **more, case_id=row["id"], decision_id=number, held=held)
    (vote_id,) = connection.execute(insert).inserted_primary_key or (0,)
    return int(vote_id)


def settle(
    connection: sa.Connection,
    row: Mapping[Any, Any],
    news: str,
    at: datetime,
    *,
    frees: bool = False,
    held: Mapping[str, Any] | None = None,
) -> CaseState:
    """Bring a case to where its opinions put it; an expired one stays expired.

    Parameters
    ----------
    frees
        The lease ends.
    held
        Who gets the case back; None: whoever has it keeps it.
    """
    lease = FREE if frees else dict(held or {name: row[name] for name in _LEASE})
    state = CaseState(row["state"])
    if state is not CaseState.EXPIRED:
        state = state_of(opinions(connection, round_of(row)), lease["assignee"])
    change(connection, row["id"], news=news, at=at, **lease, state=state)
    return state


def undo_one(connection: sa.Connection, vote_id: int, by: str, role: Role, at: datetime) -> None:
    """Take an opinion back, and the decision it made.

    Raises
    ------
    WorkspaceError
        If it is another's, no longer waits, or a later one builds on it.
    """
    wanted = sa.select(votes).where(STANDING & (votes.c.id == vote_id))
    vote = connection.execute(wanted).mappings().first()
    if vote is None:
        raise WorkspaceError(f"opinion {vote_id} does not stand: it was taken back or never given")
    row = one_case(connection, vote["case_id"])
    _allow_undo(connection, vote, row, by, role)
    number = vote["decision_id"]
    if number is not None:
        withdraw(connection, number, at)
        with_others = votes.update().where(
            (votes.c.decision_id == number) & (votes.c.id != vote_id)
        )
        connection.execute(with_others.values(decision_id=None))
    gone = votes.update().where(votes.c.id == vote_id)
    connection.execute(gone.values(undone_at=at))
    if vote["kind"] != VoteKind.GOLD:
        held = _moments(vote["held"]) if row["assignee"] is None else {}
        settle(connection, row, f"{by} took an opinion back", at, held=held)
    payload = {"vote": vote_id, "case": vote["case_id"], "id": number}
    audit.append(connection, at=at, actor=by, action="undone", payload=payload)


def _allow_undo(
    connection: sa.Connection,
    vote: Mapping[Any, Any],
    row: Mapping[Any, Any],
    by: str,
    role: Role,
) -> None:
    if vote["by"] != by and not role.allows(Role.LEAD):
        raise WorkspaceError("that opinion is another's", hint="a lead may take it back")
    if vote["kind"] == VoteKind.GOLD:
        return
    if vote["round"] != row["round"]:
        raise WorkspaceError(f"case {row['id']} was taken up again since", hint="judge it anew")
    later = STANDING & round_of(row) & (votes.c.id > vote["id"])
    same = sa.and_(
        *(votes.c[n].is_not_distinct_from(vote[n]) for n in ("row_id", "contributor_id"))
    )
    whole = votes.c.row_id.is_(None) & votes.c.contributor_id.is_(None)
    if connection.execute(sa.select(votes.c.id).where(later & (same | whole))).first():
        raise WorkspaceError("a later opinion builds on that one", hint="take that back first")


def _tell(connection: sa.Connection, case_id: str, ballot: Ballot, vote_id: int) -> None:
    about = {"row_id": ballot.row_id, "contributor_id": ballot.contributor_id}
    said = {"judgement": ballot.judgement, "reason_code": ballot.reason_code}
    payload = {"vote": vote_id, "case_id": case_id, **about, **said}
    audit.append(connection, at=ballot.at, actor=ballot.by, action="voted", payload=payload)


def _news(ballot: Ballot, number: int | None) -> str:
    if number is None:
        return f"{ballot.by} gave an opinion"
    what = "it" if ballot.whole else "a part of it"
    return f"{ballot.by} decided {what} ({ballot.judgement})"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _moments(held: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name != "assignee" and value else value
        for name, value in held.items()
    }
