"""Let an earlier champion serve again, from Prefect's pages or an automation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from foretaste.core.workspace import Workspace
from foretaste.steps.session import moment
from foretaste.views.models import move, plan_rollback


@flow(name="rollback", validate_parameters=False)
def rollback(
    workspace: str,
    reason: str,
    to: str | None = None,
    as_of: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Roll the champion back; a forward record under a new number, as any move.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    reason
        Why, for the history.
    to
        Number or digest of an earlier champion; None: the one before.
    as_of
        "Now"; None: the clock.
    dry_run
        Show the plan, and do nothing.
    """
    opened = Workspace.open(Path(workspace))
    plan = plan_rollback(opened, to)
    told: dict[str, Any] = {"plan": plan.describe(), "model": plan.target.model}
    if dry_run:
        return told | {"state": "dry-run"}
    champion = move(
        opened,
        model=plan.target.model,
        release=plan.target.release,
        kind="rollback",
        reason=reason,
        by="flow",
        at=moment(as_of),
    )
    return told | {"state": "rolled-back", "seq": champion.seq}
