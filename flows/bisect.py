"""Search for the actors behind a failed gate, from Prefect's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from foretaste.core.workspace import Workspace
from foretaste.steps.session import moment
from tasks.bisect import bisect as searched


@flow(name="bisect", validate_parameters=False)
def bisect(workspace: str, gate: str | None = None, as_of: str | None = None) -> dict[str, Any]:
    """Find the smallest group of actors whose removal restores a gate, and open a case.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    gate
        Name of a gate that failed; None: the most telling one.
    as_of
        "Now"; None: the clock.
    """
    return searched(Workspace.open(Path(workspace)), gate, moment(as_of))
