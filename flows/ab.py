"""Look at the A/B test on a schedule, and stop it when harm is sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from foretaste.core.workspace import Workspace
from foretaste.steps.session import moment
from foretaste.views.ab import check


@flow(name="ab", validate_parameters=False)
def ab(
    workspace: str, as_of: str | None = None, dry_run: bool = False
) -> dict[str, Any] | State[dict[str, Any]]:
    """Look at the running test and act on it; nothing happens where none is running.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    as_of
        "Now"; None: the clock.
    dry_run
        Look, and do nothing.
    """
    opened = Workspace.open(Path(workspace))
    content, _ = check(opened, by="flow", at=moment(as_of), dry_run=dry_run)
    if content.get("alarm"):
        # A test that harm ends is a normal end, under a name that alerts can look for.
        return Completed(name=str(content["found"]["finding"]).capitalize(), data=content)
    return content
