"""Decisions: about a case, an account's rows in it, or single rows; and taking them back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import ContractError, ForetasteError, WorkspaceError
from foretaste.core.ledger import Judgement, Role, User
from foretaste.review.desk import Desk
from foretaste.review.following import next_case
from foretaste.review.pages.case import show_case
from foretaste.review.pages.rows import show_row
from foretaste.review.panel import Draft, may_undo
from foretaste.review.routing import Page
from foretaste.review.words import REOPENED, bound, draw

_PASSED: Final = 50
_NOTE: Final = 2_000
_ROWS: Final = 200
_RECENT: Final = 50


def draft_of(form: Any) -> Draft:
    """Read what somebody was about to say."""
    names = ("judgement", "reason_code", "note", "label")
    return Draft(*(str(form.get(name, "")).strip()[:_NOTE] for name in names))


def said(
    desk: Desk, draft: Draft, allowed: Collection[Judgement] = tuple(Judgement)
) -> dict[str, Any]:
    """Check a decision, and give it as the ledger takes it.

    Raises
    ------
    ContractError
        If it is none, or its reason or its new label is missing.
    """
    if draft.judgement not in allowed:
        raise ContractError("say first what these rows are")
    judgement = Judgement(draft.judgement)
    known = desk.policy.review.reason_codes
    if judgement is not Judgement.SKIP and draft.reason_code not in known:
        raise ContractError("a decision needs one of the reasons below")
    label = draft.label if judgement is Judgement.RELABEL else None
    if label is not None and (not label or label not in (desk.policy.label.values or [label])):
        raise ContractError(
            "a relabelling needs a label that the policy allows",
            hint=", ".join(desk.policy.label.values or ()),
        )
    return {
        "judgement": judgement,
        "reason_code": draft.reason_code,
        "note": draft.note,
        "label": label,
    }


def decide(request: Request, desk: Desk, user: User) -> Response:
    """Write down a decision, and lead to what comes next."""
    form = request.state.form
    case_id, draft = request.path_params["case_id"], draft_of(form)
    rows = [str(row) for row in form.getlist("row_id")][:_ROWS]
    contributor = str(form.get("contributor_id", "")) or None
    try:
        numbers = _vote(desk, user, case_id, rows or [None], contributor, form, draft)
    except (ContractError, WorkspaceError) as error:
        return _again(request, desk, user, rows, error, draft)
    passed = [*str(form.get("passed", "")).split(","), case_id][-_PASSED:]
    kept = {"queue": str(form.get("queue", "")), "done": str(numbers[-1]) if numbers else ""}
    if draft.judgement == Judgement.SKIP:
        kept["passed"] = ",".join(filter(None, passed))
    if rows or contributor:
        return _to(f"/cases/{quote(case_id, safe='')}", kept)
    following = next_case(desk, user, kept["queue"], passed)
    if following is None:
        return _to(f"/queue?{kept['queue']}", {"done": kept["done"]})
    return _to(f"/cases/{quote(following, safe='')}", kept)


def undo(request: Request, desk: Desk, user: User) -> Response:
    """Take a decision back, and show its case again."""
    number = request.path_params["vote_id"]
    desk.ledger.undo_vote(number, by=user.name, role=user.role, at=desk.now())
    form = request.state.form
    case_id, query = str(form.get("case", "")), str(form.get("queue", ""))
    return _to(f"/cases/{quote(case_id, safe='')}", {"queue": query})


def recent(request: Request, desk: Desk, user: User) -> Response:
    """Show what somebody said last, to be taken back."""
    votes = desk.ledger.votes_by(user.name, limit=_RECENT)
    undoable = [vote.id for vote in votes if may_undo(vote, user)]
    return draw(
        request,
        "recent.html.j2",
        votes=votes,
        undoable=undoable,
        last=max(undoable, default=0),
        queue="",
        bound=bound("next", "previous", "open", "undo" if undoable else ""),
    )


def reopen(request: Request, desk: Desk, user: User) -> Response:
    """Take a closed case up again, e.g. after an appeal."""
    case_id = request.path_params["case_id"]
    reason = str(request.state.form.get("reason", ""))
    if reason not in REOPENED:
        raise ContractError("taking a case up again needs one of the reasons")
    desk.ledger.reopen(case_id, by=user.name, at=desk.now(), reason=reason)
    return _to(f"/cases/{quote(case_id, safe='')}", {})


def gold(request: Request, desk: Desk, user: User) -> Response:
    """Copy a decided case into the queue, to see whether reviewers find its answer."""
    truth = str(request.state.form.get("truth", ""))
    if truth not in (Judgement.POISON, Judgement.RELEASE):
        raise ContractError("a test case is poison or clean")
    case_id = request.path_params["case_id"]
    desk.ledger.make_gold(case_id, Judgement(truth), by=user.name, at=desk.now())
    return _to(f"/cases/{quote(case_id, safe='')}", {})


def following(request: Request, desk: Desk, user: User) -> Response:
    """Lead to the first case that waits."""
    query = request.query_params.get("queue", "")
    found = next_case(desk, user, query)
    if found is None:
        return _to(f"/queue?{query}", {})
    return _to(f"/cases/{quote(found, safe='')}", {"queue": query})


def _vote(
    desk: Desk,
    user: User,
    case_id: str,
    rows: Sequence[str | None],
    contributor: str | None,
    form: Any,
    draft: Draft,
) -> list[int]:
    version = str(form.get("version", ""))
    seen = int(version) if version.isdecimal() and len(version) < 10 else None
    about: dict[str, Any] = {
        "by": user.name,
        "role": user.role,
        "at": desk.now(),
        "contributor_id": contributor,
    }
    told = said(desk, draft) | about
    numbers = []
    for row in rows:
        voted = desk.ledger.vote(case_id, **told, row_id=row, version=seen)
        numbers.append(voted.vote_id)
        seen = voted.version
    return [number for number in numbers if number is not None]


def _again(
    request: Request,
    desk: Desk,
    user: User,
    rows: list[str],
    error: ForetasteError,
    draft: Draft,
) -> Response:
    """Show the page again with what went wrong; nothing that was typed is lost."""
    status = 400 if isinstance(error, ContractError) else 409
    if len(rows) == 1:
        return show_row(request, desk, user, rows[0], problem=error, draft=draft, status=status)
    return show_case(request, desk, user, problem=error, draft=draft, status=status)


def _to(path: str, kept: dict[str, str]) -> Response:
    more = urlencode({name: value for name, value in kept.items() if value})
    joint = "&" if "?" in path else "?"
    return RedirectResponse(path + (joint + more if more else ""), status_code=303)


PAGES = (
    Page("/recent", recent, role=Role.REVIEWER, name="recent"),
    Page("/next", following, role=Role.REVIEWER, name="next"),
    Page("/cases/{case_id}/decide", decide, methods=("POST",), role=Role.REVIEWER, name="decide"),
    Page("/votes/{vote_id:int}/undo", undo, methods=("POST",), role=Role.REVIEWER, name="undo"),
    Page("/cases/{case_id}/reopen", reopen, methods=("POST",), role=Role.REVIEWER, name="reopen"),
    Page("/cases/{case_id}/gold", gold, methods=("POST",), role=Role.LEAD, name="gold"),
)
