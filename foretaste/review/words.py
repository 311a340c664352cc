"""What the desk calls things, and what its case pages all need to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

from foretaste.core.ledger import CaseState, Judgement
from foretaste.core.policy import Policy
from foretaste.review import plots
from foretaste.review.rendering import KEYS, moment, render
from foretaste.views.desk import KINDS

STATES: Final[Mapping[str, str]] = {
    CaseState.OPEN: "open",
    CaseState.ASSIGNED: "in work",
    CaseState.SECOND: "second opinion",
    CaseState.DISPUTED: "disputed",
    CaseState.DECIDED: "decided",
    CaseState.EXPIRED: "expired",
}

JUDGEMENTS: Final[Mapping[str, str]] = {
    Judgement.POISON: "Poison",
    Judgement.RELEASE: "Release",
    Judgement.DOWNWEIGHT: "Down-weight",
    Judgement.RELABEL: "Relabel",
    Judgement.ESCALATE: "Escalate",
    Judgement.SKIP: "Skip",
    Judgement.APART: "Different people",
}

MEANS: Final[Mapping[str, str]] = {
    Judgement.POISON: "stays out",
    Judgement.RELEASE: "enters whole",
    Judgement.DOWNWEIGHT: "enters, counts less",
    Judgement.RELABEL: "gets a new label",
    Judgement.ESCALATE: "a lead decides",
    Judgement.SKIP: "nothing is said",
    Judgement.APART: "enters; never taken for one again",
}

USUAL_REASONS: Final[Mapping[str, str]] = {
    Judgement.POISON: "campaign",
    Judgement.RELEASE: "ordinary",
    Judgement.DOWNWEIGHT: "unclear",
    Judgement.RELABEL: "wrong_label",
    Judgement.ESCALATE: "unclear",
    Judgement.APART: "ordinary",
}
"""Proposed with a judgement, where the policy has that code."""

REOPENED: Final[Mapping[str, str]] = {
    "appeal": "a contributor appealed",
    "mistake": "the decision was a mistake",
    "new_evidence": "there is new evidence",
}
"""Why closed cases are taken up again."""

ORDERS: Final[Mapping[str, str]] = {
    "influence": "most influence per minute first",
    "newest": "newest first",
    "size": "largest first",
    "disagreement": "most uncertain first",
    "random": "random sample of the day",
}

MARKS: Final[Mapping[str, str]] = {
    "suspect": "suspicious",
    "lookalike": "look-alike",
    "hidden": "hidden",
}

ACTIONS: Final[Mapping[str, str]] = {
    **JUDGEMENTS,
    "undo": "Undo the last decision",
    "next": "Next",
    "previous": "Previous",
    "select": "Select",
    "open": "Open",
    "search": "Search",
    "help": "This list",
}
"""What keys do, in the order in which help lists them."""

_AT_DEADLINE: Final[Mapping[str, str]] = {
    "stay_out": "its rows stay out of the corpus and count for nobody",
    "reject": "its rows stay out of the corpus and count as poison",
}


def at_deadline(policy: Policy, deadline: Any) -> str:
    """Say what happens to a case that nobody decides."""
    means = _AT_DEADLINE[policy.review.at_deadline]
    when = f"by {moment(deadline)} UTC" if deadline else "in time"
    return f"If nobody decides {when}, {means}. Waiting never lets anything in."


def bound(*actions: str) -> tuple[str, ...]:
    """Order the actions that keys do on a page with a list; help is always one."""
    chosen = {*actions, "help"}
    return tuple(action for action in ACTIONS if action in chosen and action in KEYS)


def draw(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template that speaks of cases."""
    words = {
        "state_words": STATES,
        "judgement_words": JUDGEMENTS,
        "means": MEANS,
        "usual_reason": USUAL_REASONS,
        "order_words": ORDERS,
        "reopen_words": REOPENED,
        "mark_words": MARKS,
        "kinds": KINDS,
        "action_words": ACTIONS,
        "plots": plots,
    }
    return render(request, template, status=status, **words | context)
