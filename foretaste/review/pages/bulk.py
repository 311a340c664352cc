"""Many cases at once: what it would do, the decision, and taking all of it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import ContractError, ForetasteError, WorkspaceError
from foretaste.core.ledger import Case, Judgement, Preview, Query, Role, User
from foretaste.review.desk import Desk
from foretaste.review.pages.decide import draft_of, said
from foretaste.review.pages.queue import asked
from foretaste.review.panel import Draft
from foretaste.review.routing import Page
from foretaste.review.words import bound, draw

_SELECTED: Final = 500
_PER: Final = 500
_SHOWN: Final = 50
CHOICES: Final = (Judgement.POISON, Judgement.RELEASE, Judgement.DOWNWEIGHT, Judgement.RELABEL)


def preview(request: Request, desk: Desk, user: User) -> Response:
    """Show what one decision about the chosen cases would do; nothing happens yet."""
    form = request.state.form
    query = str(form.get("query", ""))
    if form.get("which") == "all":
        chosen = _matching(desk, user, query)
    else:
        chosen = _selected(desk, [str(one) for one in form.getlist("case")])
    return _show(request, desk, user, chosen, query)


def decide(request: Request, desk: Desk, user: User) -> Response:
    """Decide about all of the previewed cases, or about none of them."""
    form, draft = request.state.form, draft_of(request.state.form)
    query = str(form.get("query", ""))
    versions = _versions(str(form.get("cases", "")))
    try:
        _limited(desk, desk.ledger.preview(list(versions), by=user.name, role=user.role))
        voted = desk.ledger.vote_all(
            list(versions),
            **said(desk, draft, CHOICES),
            by=user.name,
            role=user.role,
            at=desk.now(),
            versions=versions,
        )
    except (ContractError, WorkspaceError) as error:
        chosen = [desk.ledger.case(one) for one in list(versions)]
        return _show(request, desk, user, chosen, query, error, draft)
    waiting = sum(one.decision_id is None for one in voted)
    return _done(request, query, draft, [one.vote_id for one in voted if one.vote_id], waiting)


def undo(request: Request, desk: Desk, user: User) -> Response:
    """Take back what a bulk decision did; what was applied meanwhile is named."""
    form = request.state.form
    numbers = [int(n) for n in str(form.get("votes", "")).split(",") if n.isdecimal()]
    undone, refused = 0, []
    for number in numbers:
        try:
            desk.ledger.undo_vote(number, by=user.name, role=user.role, at=desk.now())
            undone += 1
        except WorkspaceError as error:
            refused.append(error.message)
    return draw(
        request,
        "bulk_done.html.j2",
        heading=f"{undone:,} decisions taken back",
        said="Their cases wait again." if undone else "Nothing was changed.",
        refused=refused,
        votes=[],
        bound=bound(),
        query_text=query_of(form),
    )


def query_of(form: Any) -> str:
    """Read the queue's query that a form carries, in its one spelling."""
    return Query.from_string(str(form.get("query", ""))).to_string()


def elsewhere(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Lead who reloads a page of a bulk decision to the queue."""
    return RedirectResponse("/queue", status_code=303)


def _show(
    request: Request,
    desk: Desk,
    user: User,
    chosen: Sequence[Case],
    query: str,
    problem: ForetasteError | None = None,
    draft: Draft | None = None,
) -> Response:
    """Draw the preview; cases that cannot be decided are told apart, with their reason."""
    every = [case.id for case in chosen]
    seen = desk.ledger.preview(every, by=user.name, role=user.role, at=desk.now())
    _limited(desk, seen)
    cases = [case for case in chosen if case.id not in seen.barred]
    status = 200
    if problem is not None:
        status = 400 if isinstance(problem, ContractError) else 409
    return draw(
        request,
        "bulk.html.j2",
        status=status,
        ids=[case.id for case in cases],
        seen=seen,
        left_out=sorted(seen.barred.items()),
        bound=bound("poison", "release", "downweight", "relabel"),
        shown=cases[:_SHOWN],
        sealed=",".join(f"{case.id}:{case.version}" for case in cases),
        query_text=Query.from_string(query).to_string(),
        allowed=CHOICES,
        reason_codes=desk.policy.review.reason_codes,
        draft=draft or Draft(),
        problem=problem,
    )


def _limited(desk: Desk, seen: Preview) -> None:
    """Refuse to touch more rows at once than the policy allows."""
    most = desk.policy.review.bulk_rows
    if seen.rows > most:
        raise ContractError(
            f"one bulk decision touches at most {most:,} rows, these are {seen.rows:,}",
            hint="filter further, or raise review.bulk_rows in params.yaml",
        )


def _matching(desk: Desk, user: User, text: str) -> list[Case]:
    query = replace(asked(desk, user, text), page=1, per=_PER)
    first = desk.ledger.queue(query)
    more = (desk.ledger.queue(replace(query, page=n)) for n in range(2, first.pages + 1))
    return [*first.items, *(case for page in more for case in page.items)]


def _selected(desk: Desk, ids: Sequence[str]) -> list[Case]:
    if len(ids) > _SELECTED:
        raise ContractError(f"select at most {_SELECTED} cases, or decide about a whole filter")
    if not ids:
        raise ContractError("no case is selected", hint="go back and select some")
    return [desk.ledger.case(one) for one in dict.fromkeys(ids)]


def _versions(sealed: str) -> dict[str, int]:
    """Read which cases were previewed, and as of which version."""
    pairs = (one.rpartition(":") for one in sealed.split(",") if one)
    found = {case_id: number for case_id, _, number in pairs}
    if not found or not all(n.isdecimal() and len(n) < 10 for n in found.values()):
        raise ContractError("these cases were not previewed", hint="go back to the queue")
    return {case_id: int(number) for case_id, number in found.items()}


def _done(request: Request, query: str, draft: Draft, votes: list[int], waiting: int) -> Response:
    words = f"{len(votes):,} cases: {draft.judgement}"
    if waiting == len(votes):
        rest = "All of them wait for a second person who agrees."
    elif waiting:
        rest = (
            f"{waiting:,} of them wait for a second person who agrees; "
            "the next run applies the others."
        )
    else:
        rest = "The next run applies it; until then it can be undone."
    return draw(
        request,
        "bulk_done.html.j2",
        heading=words,
        said=rest,
        refused=[],
        votes=votes,
        bound=bound("undo"),
        query_text=Query.from_string(query).to_string(),
    )


PAGES = (
    Page("/bulk/preview", preview, methods=("POST",), role=Role.REVIEWER, name="bulk preview"),
    Page("/bulk/preview", elsewhere, role=Role.REVIEWER, name="bulk preview again"),
    Page("/bulk/decide", decide, methods=("POST",), role=Role.REVIEWER, name="bulk decide"),
    Page("/bulk/decide", elsewhere, role=Role.REVIEWER, name="bulk decide again"),
    Page("/bulk/undo", undo, methods=("POST",), role=Role.REVIEWER, name="bulk undo"),
)
