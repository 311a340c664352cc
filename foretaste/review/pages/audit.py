"""The audit log: who did what, whether it is whole, and who asked for whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from foretaste.core.ledger import AuditEntry, Role, User
from foretaste.review.desk import Desk
from foretaste.review.rendering import render
from foretaste.review.routing import Page
from foretaste.views import audit
from foretaste.views.reveal import is_account

REASONS: Final = {
    "appeal": "Somebody appeals",
    "their_data": "Somebody asks for their own data",
    "incident": "A security incident",
    "law": "A legal duty",
}
"""Why one may ask for the account behind a pseudonym."""

# A lead may be the second, blind person, and meets cases with known answers as others do.
_HIDDEN: Final = {
    "voted": frozenset({"judgement", "reason_code", "label"}),
    "gold made": frozenset({"case_id", "source", "truth"}),
}
_GUESSES_A_DAY: Final = 50
_PER_PAGE: Final = 100


def show(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Show the newest entries that fit, and whether the whole log is sound."""
    query = request.query_params
    actor, action = query.get("actor", "").strip(), query.get("action", "").strip()
    before = query.get("before", "")
    found = desk.ledger.audit_entries(
        before=int(before) if before.isdecimal() and len(before) < 16 else None,
        limit=_PER_PAGE + 1,
        actor=actor or None,
        action=action or None,
    )
    shown = found[:_PER_PAGE]
    return render(
        request,
        "audit.html.j2",
        checked=audit.check(desk.workspace, desk.ledger),
        entries=[(one, _told(one)) for one in shown],
        older=shown[-1].seq if len(found) > _PER_PAGE else None,
        actor=actor,
        action=action,
    )


def _told(one: AuditEntry) -> list[tuple[str, str]]:
    """Give what an entry tells: nothing that it leaves open, nothing that would bias a judge."""
    hidden = _HIDDEN.get(one.action, frozenset())
    return [
        (name, value if isinstance(value, str) else json.dumps(value, sort_keys=True))
        for name, value in sorted(one.payload.items())
        if name not in hidden and value is not None and value != ""
    ]


def export(request: Request, desk: Desk, user: User) -> Response:
    """Give the whole log as a file; that it was taken is an entry itself."""
    kind = request.path_params["kind"]
    if kind not in {"csv", "jsonl"}:
        raise HTTPException(404, "The log comes as csv or as jsonl.")
    desk.ledger.log("audit exported", by=user.name, at=desk.now(), payload={"kind": kind})
    entries = audit.everything(desk.ledger)
    lines = audit.as_csv(entries) if kind == "csv" else _json_lines(entries)
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8" if kind == "csv" else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="audit.{kind}"'},
    )


def _json_lines(entries: Iterator[dict[str, object]]) -> Iterator[str]:
    for one in entries:
        yield json.dumps(one, sort_keys=True) + "\n"


def ask(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Show the form that asks for the account behind a pseudonym."""
    pseudonym = request.query_params.get("pseudonym", "")[:64]
    return render(request, "reveal.html.j2", pseudonym=pseudonym, reasons=REASONS, answer=None)


def answer(request: Request, desk: Desk, user: User) -> Response:
    """Say whether an account is the one behind a pseudonym; once, and written down."""
    form = request.state.form
    pseudonym, account = str(form.get("pseudonym", "")).strip()[:64], str(form.get("account", ""))
    reason = str(form.get("reason", ""))
    if reason not in REASONS or not pseudonym or not account.strip():
        raise HTTPException(400, "Give a pseudonym, an account and a reason.")
    tries = desk.ledger.throttle(f"reveal:{user.name}", at=desk.now(), window=timedelta(days=1))
    if tries > _GUESSES_A_DAY:
        raise HTTPException(429, f"{_GUESSES_A_DAY} guesses a day are enough.")
    found = is_account(desk.workspace, account, pseudonym)
    told = {"pseudonym": pseudonym, "reason": reason, "confirmed": found}
    desk.ledger.log("revealed", by=user.name, at=desk.now(), payload=told)
    return render(request, "reveal.html.j2", pseudonym=pseudonym, reasons=REASONS, answer=found)


PAGES = (
    Page("/audit", show, role=Role.LEAD, name="audit", nav="Audit"),
    Page("/audit/export/{kind}", export, methods=("POST",), role=Role.ADMIN),
    Page("/reveal", ask, role=Role.LEAD, name="reveal"),
    Page("/reveal", answer, methods=("POST",), role=Role.LEAD),
)
