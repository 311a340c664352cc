"""A case: why it was held, who sent it, what is in it, and the decision about it."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from foretaste.core.errors import ForetasteError
from foretaste.core.ledger import Case, User
from foretaste.review.desk import Desk
from foretaste.review.pages.rows import rows_part
from foretaste.review.panel import Draft, case_of, held_by, lease, panel
from foretaste.review.routing import Page
from foretaste.review.words import at_deadline, draw
from foretaste.views import desk as views
from foretaste.views import pictures

_ACCOUNTS: Final = 40


def case_page(request: Request, desk: Desk, user: User) -> Response:
    """Show a case; it is kept for a while for a reviewer who opens it."""
    return show_case(request, desk, user)


def show_case(
    request: Request,
    desk: Desk,
    user: User,
    *,
    problem: ForetasteError | None = None,
    draft: Draft | None = None,
    status: int = 200,
) -> Response:
    """Draw a case, with what went wrong with a decision about it."""
    case = lease(desk, user, case_of(request, desk))
    part = rows_part(request, desk, user, case)
    asked = request.state.form if request.method == "POST" else request.query_params
    contributor = str(
        asked.get("contributor_id" if request.method == "POST" else "contributor", "")
    )
    said = panel(request, desk, user, case, contributor=contributor, draft=draft, problem=problem)
    return draw(
        request,
        "case.html.j2",
        status=status,
        **part | said | _evidence(desk, case, part["page"].items),
        scope_rows=part["page"].total,
        held_by=held_by(case, user, desk.now()),
        at_deadline=at_deadline(desk.policy, case.deadline),
    )


def _evidence(desk: Desk, case: Case, rows: Any) -> dict[str, Any]:
    """Lay out what the night wrote about a case."""
    known = views.accounts(desk.ledger.contributors_of(case.id, _ACCOUNTS), case.details)
    alone = known[0].contributor if len(known) == 1 else ""
    nodes, edges = pictures.graph(case.details)
    return {
        "story": views.story(case),
        "told": views.argue(rows, case.details),
        "bins": pictures.bins(case.details),
        "nodes": nodes,
        "edges": edges,
        "accounts": known,
        "labels": views.labels(rows, case.details),
        "numbers": views.features(rows, case.details),
        "others": desk.ledger.same(contributor=alone, not_case=case.id, limit=8) if alone else [],
    }


PAGES = (Page("/cases/{case_id}", case_page, name="case"),)
