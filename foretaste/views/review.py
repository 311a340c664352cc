"""Cases for people, and what people decide about them."""

from __future__ import annotations

import getpass
import re
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from foretaste.core.errors import ContractError, WorkspaceError
from foretaste.core.ledger import Case, CaseState, Decision, Judgement
from foretaste.core.workspace import Workspace

CASE_COLUMNS: Final = ("id", "night", "state", "weight", "posterior", "title")
CHOICES: Final = (
    Judgement.POISON,
    Judgement.RELEASE,
    Judgement.APART,
    Judgement.DOWNWEIGHT,
)
APPLIED: Final = "the next `foretaste run` applies it, or `foretaste run --reviews-only` now"
_REASON: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MEANS: Final = {
    Judgement.POISON: "stay out of the corpus and count against their contributors",
    Judgement.RELEASE: "enter the corpus at full weight",
    Judgement.APART: "enter the corpus at full weight, "
    "and no later night takes their contributors for one",
    Judgement.DOWNWEIGHT: "enter the corpus at reduced weight",
}
_ROWS_SHOWN: Final = 20


def list_cases(workspace: Workspace, state: str) -> list[dict[str, Any]]:
    """List cases in a state (``all`` for every one), the most suspicious weight first.

    Raises
    ------
    ContractError
        If there is no such state.
    """
    known = [str(one) for one in CaseState]
    if state not in (*known, "all"):
        raise ContractError(
            "no such state", location="--state", hint=f"one of {', '.join(known)}, all"
        )
    with workspace.ledger() as ledger:
        found = ledger.cases(None if state == "all" else CaseState(state))
    return [asdict(one) for one in found]


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
    judgement: str,
    *,
    reason: str,
    note: str,
    by: str,
    at: datetime,
    dry_run: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Write down what a person says about a case, or only tell what would be.

    Raises
    ------
    ContractError
        If the judgement or the reason code is none.
    WorkspaceError
        If there is no such case, it is closed, or ``apart`` is said of accounts that
        nobody merged.
    """
    chosen = _judgement(judgement)
    if not _REASON.fullmatch(reason):
        raise ContractError(
            "a reason code is lower-case letters, digits, _ and -",
            location="--reason",
            hint="put prose into --note",
        )
    with workspace.ledger() as ledger:
        case = ledger.case(case_id)
        if case.state not in (CaseState.OPEN, CaseState.ASSIGNED):
            raise WorkspaceError(
                f"case {case.id} is {case.state} already",
                hint=f"`foretaste cases {case.id}` shows the decision's number for `undo`",
            )
        if chosen is Judgement.APART and case.kind != "campaign":
            raise WorkspaceError(
                f"case {case.id} is about no group of accounts",
                hint=f"`foretaste decide {case.id} release` lets its rows in",
            )
        number = None
        if not dry_run:
            number = ledger.decide(
                chosen, by=by, at=at, reason_code=reason, case_id=case_id, note=note
            )
    content = {
        "case": case.id,
        "decision": str(chosen),
        "rows": case.size,
        "by": by,
        "reason": reason,
        "number": number,
        "dry_run": dry_run,
    }
    told = f"{case.size} rows of case {case.id} {'would ' if dry_run else 'will '}{_MEANS[chosen]}"
    undo = (
        [] if dry_run else [f"decision {number}: {APPLIED}; until then `foretaste undo {number}`"]
    )
    return content, [told, *undo]


def undo(
    workspace: Workspace, number: int, *, by: str, at: datetime, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    """Take a decision back while it waits, or only tell what would be.

    Raises
    ------
    WorkspaceError
        If the decision does not wait any more.
    """
    with workspace.ledger() as ledger:
        waiting = [one for one in ledger.pending_decisions() if one.id == number]
        if not waiting:
            raise WorkspaceError(
                f"decision {number} does not wait for a run",
                hint="it was applied, taken back or never made; `foretaste status` lists "
                "those that wait",
            )
        if not dry_run:
            ledger.undo(number, by=by, at=at)
    case_id = waiting[0].case_id
    verb = "would take" if dry_run else "took"
    opens = f"; case {case_id} is open again" if case_id and not dry_run else ""
    content = {"undone": number, "case": case_id, "dry_run": dry_run}
    return content, [f"{verb} back decision {number} ({waiting[0].decision}){opens}"]


def decision_line(one: Decision) -> str:
    """Tell a decision in one line."""
    about = one.case_id or one.row_id or one.contributor_id
    when = f"applied in run {one.applied_in}" if one.applied_in else "waits for the next run"
    return f"decision {one.id}: {about} {one.decision} ({one.reason_code}) by {one.by}, {when}"


def _judgement(text: str) -> Judgement:
    if text not in CHOICES:
        raise ContractError(
            "no such decision", location="decide", hint=f"one of {', '.join(CHOICES)}"
        )
    return Judgement(text)


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
        f"P(poison) {case.posterior:.3f}, because",
        *(f"  {reason}" for reason in case.reasons),
        *(f"  people on {name}: {record}" for name, record in records.items()),
        *(decision_line(one) for one in said),
        "rows:",
        *(f"  {row}" for row in rows[:_ROWS_SHOWN]),
    ]
    if len(rows) > _ROWS_SHOWN:
        lines.append(f"  … and {len(rows) - _ROWS_SHOWN} more; --json lists all")
    if case.state in (CaseState.OPEN, CaseState.ASSIGNED):
        lines.append(f"next: `foretaste explain ROW`, then `foretaste decide {case.id} DECISION`")
    return lines
