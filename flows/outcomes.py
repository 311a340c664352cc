"""How a night ends: one mapping that the command line prints and Prefect shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from foretaste.core.errors import GateRefused
from foretaste.core.verdict import Account
from foretaste.steps.session import Session
from tasks.publish import write_report


def conclude(session: Session, **said: Any) -> State[dict[str, Any]]:
    """Report the night, write down its end, and name the flow's state after it.

    A night that a gate holds is a normal end: COMPLETED, under the name "Held".
    """
    outcome = outcome_of(session, **said)
    outcome["report"] = str(write_report(session.night, outcome))
    session.finish(
        outcome["state"],
        outcome["exit_code"],
        outcome["account"] or {},
        outcome.get("release_number"),
    )
    return Completed(name=outcome["state"].capitalize(), data=outcome)


def outcome_of(
    session: Session,
    *,
    state: str,
    reasons: tuple[str, ...] = (),
    account: Account | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Build the outcome; what a gate holds exits with the code of a refused gate."""
    held = state == "held" or (state == "released" and bool(reasons))
    return {
        "run": session.night.run_id,
        "night": session.night.night,
        "state": state,
        "reasons": list(reasons),
        "account": asdict(account) if account else None,
        "exit_code": GateRefused.exit_code if held else 0,
        **more,
    }
