"""The decision panel: what somebody may say of a case, and what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from foretaste.core.errors import ForetasteError, WorkspaceError
from foretaste.core.ledger import Case, CaseState, Judgement, Role, User, Vote, VoteKind
from foretaste.review.desk import Desk
from foretaste.review.words import bound
from foretaste.views import desk as views

EVERYBODY: Final = (
    Judgement.POISON,
    Judgement.RELEASE,
    Judgement.DOWNWEIGHT,
    Judgement.RELABEL,
    Judgement.ESCALATE,
    Judgement.SKIP,
)
CLOSED: Final = (CaseState.DECIDED, CaseState.EXPIRED)
_RECENT: Final = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody was about to say; kept when it could not be written down."""

    judgement: str = ""
    reason_code: str = ""
    note: str = ""
    label: str = ""


def panel(
    request: Request,
    desk: Desk,
    user: User,
    case: Case,
    *,
    row_id: str = "",
    contributor: str = "",
    draft: Draft | None = None,
    problem: ForetasteError | None = None,
) -> dict[str, Any]:
    """Give what the templates ``_decide`` and ``_parts`` need."""
    asked = request.query_params if request.method == "GET" else request.state.form
    votes = desk.ledger.votes(case.id, seen_by=user.name, role=user.role)
    why_not = refusal(desk, user, case)
    mine = [vote.id for vote in votes if vote.by == user.name and may_undo(vote, user)]
    told = done(desk, user, str(asked.get("done", "")))
    allowed = choices(case, whole=not (row_id or contributor))
    today = f"{desk.now():%Y-%m-%d}"
    exposed = desk.ledger.exposure(user.name, today)
    return told | {
        "case": case,
        "row_id": row_id,
        "contributor": contributor,
        "case_url": f"/cases/{case.id}",
        "queue": str(asked.get("queue", "")),
        "passed": str(asked.get("passed", "")),
        "last_own": max(mine, default=0),
        "bound": bound(
            *(allowed if not why_not else ()),
            "undo" if mine or told["done"] else "",
            *(() if row_id else ("next", "previous", "open")),
            *(() if row_id or why_not else ("select",)),
        ),
        "draft": draft or Draft(),
        "problem": problem,
        "allowed": allowed,
        "reason_codes": desk.policy.review.reason_codes,
        "known_labels": desk.policy.label.values or views.labels((), case.details),
        "may_decide": not why_not,
        "why_not": why_not,
        "may_reopen": user.role.allows(Role.REVIEWER),
        "may_gold": user.role.allows(Role.LEAD),
        "votes": votes,
        "undoable": {vote.id for vote in votes if may_undo(vote, user)},
        "blind": opinion(case, user, votes),
        "exposed": exposed,
        "tired": exposed >= desk.policy.review.exposure_per_day,
        "now": desk.now(),
    }


def case_of(request: Request, desk: Desk) -> Case:
    """Give the case that a path names.

    Raises
    ------
    HTTPException
        404, if there is none.
    """
    try:
        return desk.ledger.case(request.path_params["case_id"])
    except WorkspaceError:
        raise HTTPException(404, "There is no such case.") from None


def choices(case: Case, *, whole: bool = True) -> tuple[Judgement, ...]:
    """List what may be said: of a whole campaign also that it is none."""
    more = (Judgement.APART,) if whole and case.kind == "campaign" else ()
    less = {Judgement.ESCALATE} if case.state == CaseState.DISPUTED else set()
    return tuple(one for one in (*EVERYBODY, *more) if one not in less)


def refusal(desk: Desk, user: User, case: Case) -> str:
    """Say why somebody cannot decide about a case now; nothing when they can."""
    if not user.role.allows(Role.REVIEWER):
        return "You may look, not decide: that needs the role reviewer."
    why = barred(desk, user, [case.id]).get(case.id, "")
    return f"You cannot decide now: this case {why}." if why else ""


def barred(desk: Desk, user: User, ids: Sequence[str]) -> Mapping[str, str]:
    """Say of cases why somebody cannot decide about them now, in words that go on from it."""
    seen = desk.ledger.preview(ids, by=user.name, role=user.role, at=desk.now())
    return seen.barred


def held_by(case: Case, user: User, now: datetime) -> str:
    """Say who else works on a case right now."""
    if case.leased_until is None or case.leased_until <= now:
        return ""
    if case.assignee in (None, user.name) or case.state != CaseState.ASSIGNED:
        return ""
    return f"{case.assignee} has it open until {case.leased_until:%H:%M} UTC."


def lease(desk: Desk, user: User, case: Case) -> Case:
    """Keep a case for the one who opens it, where it is free and they may decide."""
    may = user.role.allows(Role.REVIEWER) and not held_by(case, user, desk.now())
    if not may or case.state not in (CaseState.OPEN, CaseState.ASSIGNED):
        return case
    minutes = desk.policy.review.lease_minutes
    left = 0.0 if case.leased_until is None else (case.leased_until - desk.now()).total_seconds()
    if case.assignee == user.name and left > 30 * minutes:
        return case
    try:
        taken = desk.ledger.lease(case.id, by=user.name, at=desk.now(), minutes=minutes)
    except WorkspaceError:
        return desk.ledger.case(case.id)
    return replace(taken, details=case.details)


def done(desk: Desk, user: User, number: str) -> dict[str, Any]:
    """Tell of a decision that somebody just made, while it can be taken back.

    A case with a known answer is told like any other.
    """
    mine = desk.ledger.votes_by(user.name, limit=_RECENT) if number.isdecimal() else []
    vote = next((v for v in mine if str(v.id) == number and may_undo(v, user)), None)
    if vote is None:
        return {"done": None, "then": ""}
    if vote.judgement is Judgement.ESCALATE:
        return {"done": vote, "then": "A lead decides."}
    first = vote.kind in (VoteKind.FIRST, VoteKind.GOLD)
    if first and desk.ledger.case(vote.case_id).needs > 1:
        return {"done": vote, "then": "Another person must agree before anything happens."}
    return {"done": vote, "then": "The next run applies it; until then it can be undone."}


def may_undo(vote: Vote, user: User) -> bool:
    """Say whether somebody may take a vote back."""
    return vote.applied_in is None and (vote.by == user.name or user.role.allows(Role.LEAD))


def opinion(case: Case, user: User, votes: list[Vote]) -> str:
    """Say whose opinion is asked for, where one alone is not enough."""
    if case.state == CaseState.SECOND and not any(vote.by == user.name for vote in votes):
        return "Somebody gave an opinion already. Yours counts on its own: theirs is not shown."
    if case.state == CaseState.SECOND:
        return "You gave your opinion; another person must agree."
    if case.state == CaseState.DISPUTED:
        return "Two people disagree, or one asked for help. What you say stands."
    if case.needs > 1 and case.state not in CLOSED:
        return "Two people must agree; yours is the first opinion."
    return ""
