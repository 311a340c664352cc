"""Cases for people, and what people decide about them."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from foretaste.core.errors import ContractError, WorkspaceError
from foretaste.core.ledger import (
    ORDERS,
    WAITING,
    Case,
    CaseState,
    Decision,
    Judgement,
    Ledger,
    Query,
    Role,
    Voted,
)
from foretaste.core.workspace import Workspace
from foretaste.report.safe import visible

CASE_COLUMNS: Final = ("id", "night", "state", "influence", "weight", "posterior", "title")
CHOICES: Final = (
    Judgement.POISON,
    Judgement.RELEASE,
    Judgement.APART,
    Judgement.DOWNWEIGHT,
    Judgement.RELABEL,
    Judgement.ESCALATE,
)
APPLIED: Final = "the next `foretaste run` applies it, or `foretaste run --reviews-only` now"
_REASON: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MEANS: Final = {
    Judgement.POISON: "stay out of the corpus and count against their contributors",
    Judgement.RELEASE: "enter the corpus at full weight",
    Judgement.APART: "enter the corpus at full weight, "
    "and no later night takes their contributors for one",
    Judgement.DOWNWEIGHT: "enter the corpus at reduced weight",
    Judgement.RELABEL: "enter the corpus under another label",
    Judgement.ESCALATE: "wait for a lead",
}
_ROWS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person says about a case, a row of it, or a contributor's rows in it.

    Parameters
    ----------
    label
        The new label of a relabelling.
    """

    judgement: str
    reason: str = "reviewed"
    note: str = ""
    row: str | None = None
    contributor: str | None = None
    label: str | None = None


def asked(state: str, order: str, page: int, per: int, **filters: str) -> Query:
    """Make a query of what was typed.

    Raises
    ------
    ContractError
        If there is no such state or order.
    """
    known = [str(one) for one in CaseState]
    if state not in (*known, "waiting", "all"):
        raise ContractError(
            "no such state", location="--state", hint=f"waiting, all, {', '.join(known)}"
        )
    if order not in ORDERS:
        raise ContractError("no such order", location="--order", hint=f"one of {', '.join(ORDERS)}")
    states = {"waiting": WAITING, "all": tuple(CaseState)}.get(state) or (CaseState(state),)
    return Query(states=states, order=order, page=max(page, 1), per=per, **filters)


def list_cases(workspace: Workspace, query: Query) -> dict[str, Any]:
    """List the cases of a query, and tell how many there are in all."""
    with workspace.ledger() as ledger:
        found = ledger.queue(query)
    return {
        "cases": [_plain(one) for one in found.items],
        "total": found.total,
        "page": found.page,
        "pages": found.pages,
    }


def show_case(workspace: Workspace, case_id: str) -> tuple[dict[str, Any], list[str]]:
    """Tell what a case is about: reasons, rows, and what was decided."""
    with workspace.ledger() as ledger:
        case, rows = ledger.case(case_id), ledger.case_rows(case_id)
        said = [one for one in ledger.decisions() if one.case_id == case_id]
    records = _records(workspace, case)
    content = {"case": asdict(case), "rows": rows, "decisions": [asdict(one) for one in said]}
    content |= {"track_records": records}
    return content, _told(case, rows, said, records)


def reviewer(by: str | None) -> str:
    """Name who decides: as told, else the account that asks."""
    try:
        return (by or getpass.getuser()).strip()[:128] or "unknown"
    except (OSError, KeyError):
        return "unknown"


def decide(
    workspace: Workspace,
    case_id: str,
    opinion: Opinion,
    *,
    by: str,
    at: datetime,
    dry_run: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Write down what a person says about a case, or only tell what would be.

    It counts as that person's opinion: a case that needs two people waits for another.

    Raises
    ------
    ContractError
        If the judgement or the reason code is none.
    WorkspaceError
        If there is no such case, it is closed, it is not theirs to judge, or ``apart`` is
        said of accounts that nobody merged.
    """
    chosen = checked(opinion)
    with workspace.ledger() as ledger:
        case = ledger.case(case_id)
        role = role_of(ledger, by)
        size = size_of(ledger, case, opinion)
        refuse(ledger, case, chosen, by, role, at)
        voted = None if dry_run else give(ledger, case_id, opinion, chosen, by, role, at)
    content = {
        "case": case.id,
        "decision": str(chosen),
        "rows": size,
        "by": by,
        "reason": opinion.reason,
        "opinion": voted and voted.vote_id,
        "number": voted and voted.decision_id,
        "state": str(voted.state if voted else case.state),
        "dry_run": dry_run,
    }
    verb = "would" if dry_run else "will"
    told = f"{size} rows of case {case.id} {verb} {_MEANS[chosen]}"
    return content, [told, *_next(voted)]


def undo(
    workspace: Workspace, number: int, *, opinion: bool, by: str, at: datetime, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    """Take a decision or an opinion back while it waits, or only tell what would be.

    Parameters
    ----------
    opinion
        ``number`` is an opinion's, one that may have made no decision yet.

    Raises
    ------
    WorkspaceError
        If it does not wait any more, or is another's.
    """
    with workspace.ledger() as ledger:
        if opinion:
            return _undo_opinion(ledger, number, by, at, dry_run)
        waiting = [one for one in ledger.pending_decisions() if one.id == number]
        if not waiting:
            raise WorkspaceError(
                f"decision {number} does not wait for a run",
                hint="it was applied, taken back or never made; `foretaste status` lists "
                "those that wait",
            )
        if not dry_run:
            ledger.undo(number, by=by, at=at, role=role_of(ledger, by))
    case_id = waiting[0].case_id
    verb = "would take" if dry_run else "took"
    opens = f"; case {case_id} is open again" if case_id and not dry_run else ""
    content = {"undone": number, "case": case_id, "dry_run": dry_run}
    return content, [f"{verb} back decision {number} ({waiting[0].decision}){opens}"]


def role_of(ledger: Ledger, name: str) -> Role:
    """Give somebody's role; who has the terminal but no login counts as a reviewer.

    Raises
    ------
    WorkspaceError
        If they are disabled.
    """
    user = ledger.user(name)
    if user is None:
        return Role.REVIEWER
    if user.disabled is not None:
        raise WorkspaceError(f"{name} is disabled", hint="`foretaste users` tells since when")
    return user.role


def decision_line(one: Decision) -> str:
    """Tell a decision in one line."""
    about = one.row_id or one.contributor_id or one.case_id
    when = f"applied in run {one.applied_in}" if one.applied_in else "waits for the next run"
    label = f" as {visible(one.label, limit=60)}" if one.label else ""
    said = f"{one.decision}{label} ({one.reason_code})"
    return f"decision {one.id}: {about} {said} by {one.by}, {when}"


def _plain(case: Case) -> dict[str, Any]:
    return {name: value for name, value in asdict(case).items() if name != "details"}


def checked(opinion: Opinion) -> Judgement:
    """Give the judgement of an opinion that may be given.

    Raises
    ------
    ContractError
        If it is none, its reason is no code, or a label is missing or too many.
    """
    if opinion.judgement not in CHOICES:
        raise ContractError(
            "no such decision", location="decide", hint=f"one of {', '.join(CHOICES)}"
        )
    if not _REASON.fullmatch(opinion.reason):
        raise ContractError(
            "a reason code is lower-case letters, digits, _ and -",
            location="--reason",
            hint="put prose into --note",
        )
    chosen = Judgement(opinion.judgement)
    if (chosen is Judgement.RELABEL) != (opinion.label is not None):
        raise ContractError(
            "a new label belongs to relabel, and to nothing else", location="--label"
        )
    return chosen


def refuse(
    ledger: Ledger, case: Case, chosen: Judgement, by: str, role: Role, at: datetime
) -> None:
    """Say why somebody may not decide a case, as deciding it would."""
    if case.state not in WAITING:
        raise WorkspaceError(
            f"case {case.id} is {case.state} already",
            hint=f"`foretaste cases {case.id}` shows the decision's number for `undo`",
        )
    if chosen is Judgement.APART and case.kind != "campaign":
        raise WorkspaceError(
            f"case {case.id} is about no group of accounts",
            hint=f"`foretaste decide {case.id} release` lets its rows in",
        )
    if why := ledger.preview([case.id], by=by, role=role, at=at).barred.get(case.id):
        raise WorkspaceError(f"case {case.id} {why}")


def size_of(ledger: Ledger, case: Case, opinion: Opinion) -> int:
    """Count the rows that an opinion is about.

    Raises
    ------
    WorkspaceError
        If the case has no such row or contributor.
    """
    if opinion.row is not None:
        ledger.row(case.id, opinion.row)
        return 1
    if opinion.contributor is not None:
        if n := ledger.row_count(case.id, opinion.contributor):
            return n
        raise WorkspaceError(
            f"case {case.id} has no row of that contributor",
            hint="`foretaste cases export --rows` names them",
        )
    return case.size


def give(
    ledger: Ledger,
    case_id: str,
    opinion: Opinion,
    chosen: Judgement,
    by: str,
    role: Role,
    at: datetime,
) -> Voted:
    """Write an opinion down."""
    return ledger.vote(
        case_id,
        chosen,
        by=by,
        role=role,
        at=at,
        reason_code=opinion.reason,
        note=opinion.note,
        label=opinion.label,
        row_id=opinion.row,
        contributor_id=opinion.contributor,
    )


def _next(voted: Voted | None) -> list[str]:
    """Tell what comes of an opinion."""
    if voted is None:
        return []
    if voted.decision_id is not None:
        number = voted.decision_id
        return [f"decision {number}: {APPLIED}; until then `foretaste undo {number}`"]
    waits = "a lead" if voted.state is CaseState.DISPUTED else "a second person"
    back = f"`foretaste undo {voted.vote_id} --opinion`"
    return [f"opinion {voted.vote_id}: waits for {waits}; until then {back}"]


def _undo_opinion(
    ledger: Ledger, number: int, by: str, at: datetime, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    if not dry_run:
        ledger.undo_vote(number, by=by, role=role_of(ledger, by), at=at)
    verb = "would take" if dry_run else "took"
    return {"undone": number, "opinion": True, "dry_run": dry_run}, [
        f"{verb} back opinion {number}"
    ]


def _records(workspace: Workspace, case: Case) -> dict[str, str]:
    """How often people confirmed the detectors that a case's reasons name."""
    from foretaste.steps.state import read_records

    told = {}
    for name, right, wrong in read_records(workspace.layout.state).itertuples(index=False):
        if right + wrong >= 1 and any(reason.startswith(f"{name} ") for reason in case.reasons):
            told[name] = f"confirmed {right / (right + wrong):.0%} of {right + wrong:.0f} decisions"
    return told


def _told(case: Case, rows: list[str], said: list[Decision], records: dict[str, str]) -> list[str]:
    lines = [
        f"case {case.id} ({case.state}), night {case.night}: {case.title}",
        f"{case.size} rows, {case.weight:.2%} of the night's weight",
        *(str(line) for line in case.details.get("story", ())),
        f"P(poison) {case.posterior:.3f}, because",
        *(f"  {reason}" for reason in case.reasons),
        *(f"  people on {name}: {record}" for name, record in records.items()),
        *_deadline(case),
        *(decision_line(one) for one in said),
        "rows:",
        *(f"  {row}" for row in rows[:_ROWS_SHOWN]),
    ]
    if len(rows) > _ROWS_SHOWN:
        lines.append(f"  … and {len(rows) - _ROWS_SHOWN} more; --json lists all")
    if case.state in WAITING:
        lines.append(f"next: `foretaste explain ROW`, then `foretaste decide {case.id} DECISION`")
    return lines


def _deadline(case: Case) -> Iterator[str]:
    if case.state not in WAITING:
        return
    if case.needs > 1:
        yield f"needs {case.needs} people who agree"
    if case.deadline:
        yield f"if nobody decides by {case.deadline:%Y-%m-%d %H:%M} UTC, its rows stay out"
