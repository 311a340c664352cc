"""The queue: which cases wait, in which order, and the views somebody keeps of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import ContractError
from foretaste.core.ledger import CaseState, Query, Role, User
from foretaste.review.desk import Desk
from foretaste.review.panel import done
from foretaste.review.routing import Page
from foretaste.review.words import bound, draw
from foretaste.views.desk import LOOKS_FOR

_FIELDS: Final = {
    "contributor": "Account",
    "subnet": "Network",
    "label": "Label",
    "night": "Night",
    "run": "Run",
    "assignee": "In work by",
}
_FORM: Final = frozenset({"text", "kind", "detector", "order", "page", *_FIELDS})
_VIEWS: Final = 20
_KEYS: Final = ("next", "previous", "select", "open", "search")


def asked(desk: Desk, user: User, text: str) -> Query:
    """Read a query from a URL; what its user may not judge is left out."""
    return Query.from_string(text, viewer=user.name, day=f"{desk.now():%Y-%m-%d}")


def queue(request: Request, desk: Desk, user: User) -> Response:
    """Show the cases that wait."""
    query = asked(desk, user, request.url.query)
    text = query.to_string()
    default = Query()
    used = {f.name for f in fields(Query) if getattr(query, f.name) != getattr(default, f.name)}
    told = done(desk, user, request.query_params.get("done", ""))
    return draw(
        request,
        "queue.html.j2",
        query=query,
        query_text=text,
        queue=text,
        page=desk.ledger.queue(query),
        page_url=lambda page: f"/queue?{replace(query, page=page).to_string()}",
        tabs=_tabs(query, user),
        kept=[pair for pair in parse_qsl(text) if pair[0] not in _FORM],
        fields=_FIELDS,
        fields_used=bool(used & _FIELDS.keys()),
        filtered=bool(used - {"viewer", "day", "page", "order"}),
        detectors=sorted(LOOKS_FOR),
        views=desk.ledger.saved_views(user.name),
        may_decide=user.role.allows(Role.REVIEWER),
        bound=bound(*_KEYS, "undo" if told["done"] else ""),
        **told,
        now=desk.now(),
    )


def save(request: Request, desk: Desk, user: User) -> Response:
    """Keep a view under a name."""
    form = request.state.form
    name = str(form.get("name", "")).strip()[:64]
    text = replace(Query.from_string(str(form.get("query", ""))), page=1).to_string()
    known = desk.ledger.saved_views(user.name)
    if not name or (name not in known and len(known) >= _VIEWS):
        raise ContractError(f"a view needs a name, and there are at most {_VIEWS}")
    desk.ledger.save_view(user.name, name, text)
    return RedirectResponse(f"/queue?{text}", status_code=303)


def drop(request: Request, desk: Desk, user: User) -> Response:
    """Forget a view."""
    desk.ledger.drop_view(user.name, str(request.state.form.get("name", "")))
    return RedirectResponse("/queue", status_code=303)


def _tabs(query: Query, user: User) -> list[dict[str, Any]]:
    """Give the states to choose from; the filters stay."""
    base = replace(query, page=1, states=Query().states, assignee="")
    choices = {
        "Waiting": base,
        "Mine": replace(base, assignee=user.name),
        "Second opinion": replace(base, states=(CaseState.SECOND,)),
        "Disputed": replace(base, states=(CaseState.DISPUTED,)),
        "Decided": replace(base, states=(CaseState.DECIDED,)),
        "Expired": replace(base, states=(CaseState.EXPIRED,)),
    }
    now = (query.states, query.assignee)
    return [
        {
            "words": words,
            "url": f"/queue?{one.to_string()}",
            "here": (one.states, one.assignee) == now,
        }
        for words, one in choices.items()
    ]


def home(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Lead to the queue."""
    return RedirectResponse("/queue", status_code=303)


PAGES = (
    Page("/", home, name="home"),
    Page("/queue", queue, name="queue", nav="Queue"),
    Page("/views", save, methods=("POST",), name="save view"),
    Page("/views/drop", drop, methods=("POST",), name="drop view"),
)
