"""Let an earlier champion serve again, from Prefect's pages or an automation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from foretaste.core.workspace import Workspace
from foretaste.steps.session import moment
from foretaste.views.rollback import plan_rollback, roll_back


@flow(name="rollback", validate_parameters=False)
def rollback(
    workspace: str,
    reason: str,
    to: str | None = None,
    model_only: bool = False,
    as_of: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Roll champion and corpus back; a forward record under a new number, as any move.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    reason
        Why, for the history.
    to
        Number or digest of an earlier champion; None: the one before.
    model_only
        Leave the corpus as it is.
    as_of
        "Now"; None: the clock.
    dry_run
        Show the plan, and do nothing.
    """
    opened = Workspace.open(Path(workspace))
    plan = plan_rollback(opened, to, model_only=model_only)
    told: dict[str, Any] = {
        "plan": plan.describe(),
        "model": plan.target.model,
        "corpus": plan.corpus,
    }
    if dry_run:
        return told | {"state": "dry-run"}
    champion = roll_back(opened, plan, reason=reason, by="flow", at=moment(as_of))
    return told | {"state": "rolled-back", "seq": champion.seq}
