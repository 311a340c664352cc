"""Rules that people write: the list of them, and one with its editor and its trial."""

from __future__ import annotations

from dataclasses import asdict
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import ContractError, ForetasteError, Unavailable, WorkspaceError
from foretaste.core.ledger import Role, Rule, User
from foretaste.core.rule_sql import FUNCTIONS
from foretaste.review import plots
from foretaste.review.desk import Desk
from foretaste.review.rendering import render
from foretaste.review.routing import Page
from foretaste.steps.desk_rules import columns
from foretaste.views import rules
from foretaste.views.pictures import Bin
from foretaste.views.rules import Draft

_STATE_WORDS: Final = {
    "draft": ("draft", ""),
    "on": ("on", "good"),
    "off": ("off", ""),
    "over": ("over", "warn"),
}
_ACTION_WORDS: Final = {
    "hold": "holds what it hits for a person",
    "evidence": "adds evidence to what it hits",
}
_DONE: Final = {
    "saved": "Saved as a draft. Try it before it can be switched on.",
    "tried": "Tried. What it found is below.",
    "on": "Switched on, from the next night.",
    "off": "Switched off, from the next night.",
}
_DAY: Final = 86_400.0

_trying = Lock()
"""One trial at once: each reads whole nights, and the desk has others to answer."""


def show_all(request: Request, desk: Desk, user: User) -> Response:
    """List the rules."""
    return render(
        request,
        "rules.html.j2",
        rules=rules.listed(desk.ledger, desk.now()),
        own=desk.policy.rules,
        may_write=user.role.allows(Role.REVIEWER),
        state_words=_STATE_WORDS,
        action_words=_ACTION_WORDS,
    )


def show_new(request: Request, desk: Desk, user: User) -> Response:
    """Offer an empty editor."""
    return _draw(request, desk, user, None, Draft("", ""))


def show_one(request: Request, desk: Desk, user: User) -> Response:
    """Show a rule, what its trial found, and an editor for whoever may change it."""
    rule = _named(request, desk)
    return _draw(request, desk, user, rule, _draft_of(rule, desk))


def save(request: Request, desk: Desk, user: User) -> Response:
    """Save a draft; where it cannot be, show why above what was typed."""
    form = request.state.form
    draft = Draft(
        name=str(form.get("name", "")).strip(),
        where=str(form.get("where", "")).strip(),
        action=str(form.get("action", "")),
        llr=_number(form.get("llr", "")),
        days=_number(form.get("days", "")),
        note=str(form.get("note", "")).strip(),
        version=int(_number(form.get("version", ""))),
    )
    known = desk.ledger.rule(draft.name)
    if known is not None and not _may_change(known, desk, user):
        raise HTTPException(403, "A rule that is on is changed by a lead.")
    try:
        rules.save(desk.ledger, desk.policy, draft, by=user.name, at=desk.now())
    except ForetasteError as problem:
        status = 400 if isinstance(problem, ContractError) else 409
        seen = known if known is not None and draft.version else None
        return _draw(request, desk, user, seen, draft, problem=problem, status=status)
    return _back(draft.name, "saved")


def try_out(request: Request, desk: Desk, user: User) -> Response:
    """Try a rule on past nights."""
    name = _named(request, desk).name
    if not _trying.acquire(blocking=False):
        raise Unavailable("another rule is being tried", hint="try again in a minute")
    try:
        rules.try_out(
            desk.workspace,
            desk.ledger,
            name,
            version=_version(request),
            by=user.name,
            at=desk.now(),
        )
    finally:
        _trying.release()
    return _back(name, "tried")


def switch(request: Request, desk: Desk, user: User) -> Response:
    """Switch a rule on or off."""
    name = _named(request, desk).name
    to = str(request.state.form.get("to", ""))
    if to not in ("on", "off"):
        raise HTTPException(400, "A rule is switched on or off.")
    rules.switch(
        desk.ledger,
        desk.policy,
        name,
        to == "on",
        version=_version(request),
        by=user.name,
        at=desk.now(),
    )
    return _back(name, to)


def _draw(
    request: Request,
    desk: Desk,
    user: User,
    rule: Rule | None,
    draft: Draft,
    *,
    problem: ForetasteError | None = None,
    status: int = 200,
) -> Response:
    asked = request.query_params
    return render(
        request,
        "rules_one.html.j2",
        status=status,
        rule=rule,
        draft=asdict(draft),
        problem=problem,
        done=_DONE.get(asked.get("done", ""), ""),
        columns=columns(desk.policy),
        functions=sorted(FUNCTIONS),
        most_days=desk.policy.review.rule_days,
        nights=desk.policy.review.rule_nights,
        state_words=_STATE_WORDS,
        action_words=_ACTION_WORDS,
        **_told(request, desk, user, rule),
    )


def _told(request: Request, desk: Desk, user: User, rule: Rule | None) -> dict[str, Any]:
    """What is known of a rule that was saved: its state, its trial, examples, who may what."""
    writes = user.role.allows(Role.REVIEWER)
    if rule is None:
        none = {"state": "", "tested": {}, "picture": "", "samples": [], "texts": False}
        return none | {"may_write": writes, "may_try": False, "may_switch": False, "why_not": ""}
    found = rules.samples(desk.workspace, rule) if writes else []
    opened = writes and request.query_params.get("texts") == "1"
    if opened:
        desk.ledger.expose(user.name, f"{desk.now():%Y-%m-%d}", len(found))
    return {
        "state": rules.state_of(rule, desk.now()),
        "tested": rule.tested,
        "picture": _picture(rule),
        "samples": found,
        "texts": opened,
        "may_write": _may_change(rule, desk, user),
        "may_try": writes,
        "may_switch": user.role.allows(Role.LEAD),
        "why_not": _why_not(rule, desk),
    }


def _why_not(rule: Rule, desk: Desk) -> str:
    """Say why a rule cannot be switched on now; nothing when it can."""
    if not rule.tested:
        return "It was not tried in this version."
    if rule.expires <= desk.now():
        return "Its time is over; give it a later end, and try it again."
    why = rules.too_much(rule, desk.policy)
    return f"{why[:1].upper()}{why[1:]}." if why else ""


def _picture(rule: Rule) -> Any:
    """Hits a night, and how many of them were kept out anyway."""
    nights = rule.tested.get("nights", ())
    bins = [Bin(str(one["night"]), int(one["hits"]), int(one["held"])) for one in nights]
    return plots.timeline(bins) if len(bins) > 1 else ""


def _may_change(rule: Rule, desk: Desk, user: User) -> bool:
    """A reviewer drafts; what holds rows tonight is a lead's to change."""
    least = Role.LEAD if rules.state_of(rule, desk.now()) == "on" else Role.REVIEWER
    return user.role.allows(least)


def _draft_of(rule: Rule, desk: Desk) -> Draft:
    left = (rule.expires - desk.now()).total_seconds() / _DAY
    days = max(1.0, round(left))
    return Draft(rule.name, rule.where, rule.action, rule.llr, days, rule.note, rule.version)


def _named(request: Request, desk: Desk) -> Rule:
    try:
        return rules.find(desk.ledger, str(request.path_params["name"]))
    except WorkspaceError:
        raise HTTPException(404, "There is no such rule.") from None


def _version(request: Request) -> int:
    return int(_number(request.state.form.get("version", "")))


def _number(text: object) -> float:
    """Read a number; what is none is 0, which no check lets through."""
    try:
        value = float(str(text))
    except ValueError:
        return 0.0
    return value if abs(value) < 1e9 else 0.0


def _back(name: str, done: str) -> Response:
    return RedirectResponse(f"/rules/{quote(name, safe='')}?done={done}", status_code=303)


# No rule's name begins with an underscore.
PAGES: Final = (
    Page("/rules", show_all, name="rules", nav="Rules"),
    Page("/rules", save, ("POST",), Role.REVIEWER, "save-rule"),
    Page("/rules/_new", show_new, role=Role.REVIEWER, name="new-rule"),
    Page("/rules/{name}", show_one, name="rule"),
    Page("/rules/{name}/try", try_out, ("POST",), Role.REVIEWER, "try-rule"),
    Page("/rules/{name}/switch", switch, ("POST",), Role.LEAD, "switch-rule"),
)
