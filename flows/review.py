"""Apply what people decided, without waiting for the next night."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.nightly import taste
from flows.outcomes import outcome_of
from foretaste.steps.session import session
from tasks.publish import prepare_desk


@flow(name="review", validate_parameters=False)
def review(
    workspace: str, as_of: str | None = None, dry_run: bool = False
) -> dict[str, Any] | State[dict[str, Any]]:
    """Make a release of the rows that people released, and judge its model.

    Parameters
    ----------
    workspace, as_of, dry_run
        As for ``nightly``; what landed stays for the night.
    """
    with session(Path(workspace), as_of, "review", dry_run=dry_run) as run:
        if run.published is None and run.decided.empty:
            if not dry_run:
                run.applied()
                prepare_desk(run.workspace, run.night.as_of)
            run.finish("empty", 0, {})
            return outcome_of(run, state="empty", reasons=("no decision waits",))
        return taste(run, (), dry_run)
