"""The rows of a case: a page of them, and one of them opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from foretaste.core.errors import ForetasteError, WorkspaceError
from foretaste.core.ledger import Case, CaseRow, Page, User
from foretaste.review import routing
from foretaste.review.desk import Desk
from foretaste.review.panel import Draft, case_of, panel
from foretaste.review.words import draw
from foretaste.views import desk as views
from foretaste.views.marked import PART, Marked, Piece, marked

PER: Final = 25
_NEAR: Final = 12
_RELATED: Final = 8


@dataclass(frozen=True, slots=True)
class Opened:
    """A row whose content somebody asked to see."""

    row: CaseRow
    text: Marked
    markup: Markup
    cut: bool
    alike: Sequence[Any]
    told: views.Argument
    numbers: tuple[views.Feature, ...]
    attributes: dict[str, str]


def opened(case: Case, row: CaseRow, part: int = 1, *, cut: bool = False) -> Opened:
    """Open a row: mark its text, lay out its evidence; ``cut``: more of the text is elsewhere."""
    text = marked(row.text or "", views.suspects(row, case.details), part=part)
    return Opened(
        row=row,
        text=text,
        cut=cut,
        markup=Markup().join(_piece(piece) for piece in text.pieces),
        alike=views.alike(row, case.details),
        told=views.argue([row], case.details),
        numbers=views.features([row], case.details),
        attributes=views.attributes(row),
    )


def rows_part(request: Request, desk: Desk, user: User, case: Case) -> dict[str, Any]:
    """Give what the template ``_rows`` needs; opened texts are counted."""
    query = request.query_params
    contributor = query.get("contributor", "")
    number = min(whole(query.get("page", "")), 1 + case.size // PER)
    wide = query.get("open") == "1"
    found = desk.ledger.rows_of(
        case.id,
        offset=(number - 1) * PER,
        limit=PER,
        contributor=contributor or None,
        # One letter beyond what is shown tells whether there is more.
        letters=PART + 1 if wide else 0,
    )
    total = desk.ledger.row_count(case.id, contributor or None)
    shown = {}
    if wide:
        shown = {row.row_id: _first_part(case, row) for row in found}
        desk.ledger.expose(user.name, f"{desk.now():%Y-%m-%d}", len(shown))
    here = links(request, case)
    return here | {
        "page": Page(tuple(found), total, number, PER),
        "page_url": lambda page: _case_url(case, request, page=page) + "#rows",
        "open_url": _case_url(case, request, page=number, open="" if shown else "1") + "#rows",
        "opened": shown,
        "strongest": strongest,
        "full": False,
    }


def links(request: Request, case: Case) -> dict[str, Callable[..., str]]:
    """Give what makes links to rows and accounts; they keep the way back to the queue."""
    kept = {"queue": request.query_params.get("queue", "")}

    def row_url(row: CaseRow) -> str:
        return (
            f"/cases/{quote(case.id, safe='')}/rows/{quote(row.row_id, safe='')}?{urlencode(kept)}"
        )

    def account_url(contributor: str) -> str:
        return _case_url(case, request, page=1, contributor=contributor, open="") + "#rows"

    return {"row_url": row_url, "account_url": account_url}


def row_page(request: Request, desk: Desk, user: User) -> Response:
    """Open a row: as a part of the case's page where that asks for it, else as its own page."""
    return show_row(request, desk, user, request.path_params["row_id"])


def show_row(
    request: Request,
    desk: Desk,
    user: User,
    row_id: str,
    *,
    problem: ForetasteError | None = None,
    draft: Draft | None = None,
    status: int = 200,
) -> Response:
    """Draw a row."""
    case = case_of(request, desk)
    row = _row_of(desk, case, row_id)
    part = request.query_params.get("part", "")
    one = opened(case, row, whole(part))
    desk.ledger.expose(user.name, f"{desk.now():%Y-%m-%d}", 1)
    context: dict[str, Any] = {**links(request, case), "one": one, "full": True}
    if request.headers.get("hx-request") == "true":
        template = "_text.html.j2" if part else "row_part.html.j2"
        return draw(request, template, **context | {"full": False})
    context |= panel(request, desk, user, case, row_id=row_id, problem=problem, draft=draft)
    near = desk.ledger.rows_of(
        case.id, limit=_NEAR, order="time", contributor=row.contributor_id or None, letters=0
    )
    return draw(
        request,
        "row.html.j2",
        status=status,
        near=near if len(near) > 1 else [],
        related=_related(desk, case, row),
        scope_rows=1,
        **context,
    )


def _row_of(desk: Desk, case: Case, row_id: str) -> CaseRow:
    try:
        return desk.ledger.row(case.id, row_id)
    except WorkspaceError:
        raise HTTPException(404, "This case has no such row.") from None


def strongest(row: CaseRow) -> str:
    """Say what speaks most against a row."""
    line = max(row.evidence, key=lambda one: float(one.get("nats") or 0), default=None)
    return "" if line is None else f"{line.get('detector', '')}: {line.get('reason', '')}"


def whole(text: str) -> int:
    """Read a page number; 1 for everything else."""
    return max(int(text), 1) if text.isdecimal() and len(text) < 10 else 1


def _first_part(case: Case, row: CaseRow) -> Opened:
    text = row.text or ""
    first = row if row.text is None else replace(row, text=text[:PART])
    return opened(case, first, cut=len(text) > PART)


def _related(desk: Desk, case: Case, row: CaseRow) -> list[tuple[str, list[Case]]]:
    same = desk.ledger.same
    account, subnet, item = row.contributor_id, row.subnet_id, row.item_id
    found = {
        "Other cases of this account": account
        and same(contributor=account, not_case=case.id, limit=_RELATED),
        "Other cases from its network": subnet
        and same(subnet=subnet, not_case=case.id, limit=_RELATED),
        "Other cases about the same item": item
        and same(item=item, not_case=case.id, limit=_RELATED),
    }
    return [(words, list(cases)) for words, cases in found.items() if isinstance(cases, list)]


def _case_url(case: Case, request: Request, **changes: Any) -> str:
    names = ("queue", "passed", "contributor", "page", "open")
    kept = {name: request.query_params.get(name, "") for name in names} | changes
    more = urlencode({name: value for name, value in kept.items() if value})
    return f"/cases/{quote(case.id, safe='')}" + (f"?{more}" if more else "")


def _piece(piece: Piece) -> Markup:
    if not piece.mark:
        return Markup("{}").format(piece.text)
    why = {
        "suspect": "speaks against the row",
        "lookalike": f"looks like “{piece.means}”, is another letter",
        "hidden": "a character that cannot be seen",
    }[piece.mark]
    return Markup('<mark class="{}" title="{}">{}</mark>').format(piece.mark, why, piece.text)


PAGES = (routing.Page("/cases/{case_id}/rows/{row_id}", row_page, name="row"),)
